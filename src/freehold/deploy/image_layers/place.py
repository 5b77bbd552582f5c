"""Where Docker is on a server."""

SOCKET = "/var/run/docker.sock"
