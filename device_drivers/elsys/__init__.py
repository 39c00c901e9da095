"""Elsys sensors: ERS, EMS, ELT and their kin."""
