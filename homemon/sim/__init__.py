"""Simulated devices. They speak literal bytes of their own and never use our encoders."""
