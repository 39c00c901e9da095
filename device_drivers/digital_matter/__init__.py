"""Digital Matter trackers and sensor nodes."""
