"""Entities announced by Home Assistant's MQTT discovery."""
