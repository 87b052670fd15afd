"""Checks of chapter 00."""
