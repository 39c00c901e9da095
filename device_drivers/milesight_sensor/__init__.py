"""Every other Milesight device."""
