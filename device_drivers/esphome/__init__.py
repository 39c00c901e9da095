"""Nodes that run ESPHome, over MQTT."""
