"""Bytes → Reading: what a device said, in the hub's words.

Pure: no asyncio, no clock, no disk, no logging. One folder per family of devices; delete the
folder and its line in `catalog.py` and the family is gone.
"""
