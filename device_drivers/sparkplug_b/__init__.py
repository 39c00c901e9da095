"""Devices behind edge nodes of Sparkplug B."""
