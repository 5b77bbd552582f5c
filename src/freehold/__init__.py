"""Freehold runs AI agents, and the apps they ship, on servers that people own."""

__version__ = "0.1.0"
