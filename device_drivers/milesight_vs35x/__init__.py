"""Milesight people counters in passages."""
