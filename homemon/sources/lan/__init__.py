"""Devices on the LAN."""
