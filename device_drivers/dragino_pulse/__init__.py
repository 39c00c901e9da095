"""Dragino pulse counters."""
