"""Measurements on one machine in one run: ratios against a peer, never bare figures."""
