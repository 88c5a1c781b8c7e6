"""Simulated years, killed processes, fuzzing and benchmarks, and the short runs of them that every test run has."""
