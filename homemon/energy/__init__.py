"""What a household's energy comes to, in kWh and yen; exact, and without a clock or a file."""
