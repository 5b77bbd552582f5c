"""From no server to one that can be pushed to, and its HTTPS; in steps that are written down as they are done."""
