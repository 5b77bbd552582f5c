"""The pages of the console, one noun a module."""
