"""The Wi-SUN module: its lines, joining, and what of them may be shown."""
