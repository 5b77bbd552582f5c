"""`make soak`: a project as a service under mixed load, while its processes are killed."""
