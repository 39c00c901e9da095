"""Devices of the Homie convention, versions 3 to 5."""
