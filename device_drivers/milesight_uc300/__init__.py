"""Milesight controllers with counting inputs."""
