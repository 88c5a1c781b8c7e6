"""A decade of a house: how its files and the memory of homemon's commands grow. `make decade`"""
