"""Servers for trying things, on this machine: containers that boot systemd, with SSH and Docker inside."""
