"""IMBuildings people counters and mood boxes."""
