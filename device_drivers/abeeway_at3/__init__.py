"""Abeeway trackers with firmware of the third generation (AT3)."""
