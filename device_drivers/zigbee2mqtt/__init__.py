"""Zigbee devices of any maker behind zigbee2mqtt."""
