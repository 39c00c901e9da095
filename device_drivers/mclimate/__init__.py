"""MClimate buttons and sensors."""
