"""Abeeway trackers with firmware of the second generation (AT2)."""
