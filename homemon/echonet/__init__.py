"""ECHONET Lite: frames, properties, and our own node."""
