"""Devices that publish Sensor Measurement Lists (RFC 8428)."""
