"""Milesight buttons and scene panels."""
