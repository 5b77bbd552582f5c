"""What stands before the projects of a server: HAProxy, put together from one fragment for each project."""
