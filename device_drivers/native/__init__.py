"""Devices that speak the hub's own JSON."""
