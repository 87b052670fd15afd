"""Checks of chapter 03."""
