"""Tests of real commands, with real servers, terminals and networks."""
