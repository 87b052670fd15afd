"""Checks of chapter 07."""
