"""SenseCAP trackers and sensors by Seeed."""
