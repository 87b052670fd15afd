"""Residual Imaging: the shared library behind the chapters."""
