"""Fuzzing: what is fuzzed stands in `targets`, the coverage-guided run in `__main__` (`make fuzz`)."""
