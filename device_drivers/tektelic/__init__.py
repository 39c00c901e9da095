"""Tektelic room sensors, panic buttons, trackers, transceivers."""
