"""Checks of chapter 02."""
