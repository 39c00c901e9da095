"""Radio Bridge sensors, which MultiTech sells too."""
