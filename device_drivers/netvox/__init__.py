"""Netvox devices with a cell."""
