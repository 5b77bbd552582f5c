"""Pushing from a CI service: the workflows that do it, as text."""
