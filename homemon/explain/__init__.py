"""What bytes and lines mean, in words for a person and in facts for a program. Pure."""
