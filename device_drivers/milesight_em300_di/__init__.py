"""Milesight EM300-DI pulse counter."""
