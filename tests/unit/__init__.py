"""Tests that need no other process, no server and no network."""
