"""Browan MerryIoT sensors."""
