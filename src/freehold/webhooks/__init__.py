"""Webhooks, the pure half: whose a delivery is, what it says, and whom it starts. No HTTP server and no database."""
