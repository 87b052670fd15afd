"""Checks of chapter 01."""
