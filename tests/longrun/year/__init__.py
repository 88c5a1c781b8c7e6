"""A year of a house in virtual time, with everything that goes wrong in one: `make year`."""
