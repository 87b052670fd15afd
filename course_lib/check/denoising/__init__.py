"""Checks of chapter 05."""
