"""The paths of the system before that a client of it would call, in its words."""
