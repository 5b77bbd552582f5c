"""A project as a service, measured beside the peer's."""
