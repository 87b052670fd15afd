"""Checks of chapter 06."""
