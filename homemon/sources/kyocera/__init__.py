"""The Kyocera solar monitor."""
