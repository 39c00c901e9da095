"""Simulated devices: how a day goes (pure), in whose words it is told, which frames are played."""
