"""Telling people what happened: what is written in the database is sent, and what they are asked can be answered."""
