"""What is due, what waits, and which run begins next. A client of the keeper: it has no power over Docker."""
