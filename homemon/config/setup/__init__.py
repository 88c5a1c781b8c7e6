"""The dialogue of `homemon setup`: what it asks, in which order, and what it writes for an answer."""
