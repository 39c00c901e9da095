"""Adeunis sensors."""
