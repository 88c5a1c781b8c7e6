"""Files of others: a market's prices, a company portal's half-hours. `table.FORMATS` has a row for each format."""
