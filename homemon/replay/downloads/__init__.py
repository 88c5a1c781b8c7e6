"""Files with a market's prices or a portal's half-hours. `table.FORMATS` has a row for each format."""
