"""homemon watches the energy of a Japanese home from a Raspberry Pi."""

__version__ = "0.1.0"
