"""Browan Tabs sensors."""
