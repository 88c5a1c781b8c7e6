"""Real Home Assistants, and what becomes of their statistics under kills, gaps and restored backups."""
