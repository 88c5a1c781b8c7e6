"""config.ini."""
