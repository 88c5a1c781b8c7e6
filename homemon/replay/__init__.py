"""Readings out of what was written down: traces, logs, dumps and backups. Pure."""
