"""Dragino buttons."""
