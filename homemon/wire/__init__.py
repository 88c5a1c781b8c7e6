"""Pure protocol code: bytes to events and back. No clock, file, socket or thread in here."""
