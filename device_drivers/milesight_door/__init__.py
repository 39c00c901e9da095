"""Milesight magnetic contacts."""
