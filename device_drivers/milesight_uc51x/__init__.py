"""Milesight valve controllers with pulse inputs."""
