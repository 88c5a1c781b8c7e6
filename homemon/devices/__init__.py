"""What each device's properties mean: one table a device."""
