"""The community of `hub demo`: an invented site with its residents and devices."""
