"""Bytes in and out of the machine: deadlines, remedies and the trace."""
