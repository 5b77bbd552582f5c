"""How a database comes to its tables, one step a file in `versions/`."""
