"""The smart meter."""
