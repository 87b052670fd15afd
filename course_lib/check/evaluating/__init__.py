"""Checks of chapter 04."""
