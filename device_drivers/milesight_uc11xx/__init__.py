"""Milesight UC11xx controllers."""
