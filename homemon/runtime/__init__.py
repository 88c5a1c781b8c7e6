"""Processes: locks, loops, stdout and the end."""
