"""Dragino door sensors."""
