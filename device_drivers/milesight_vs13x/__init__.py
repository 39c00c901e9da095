"""Milesight people counters over lines."""
