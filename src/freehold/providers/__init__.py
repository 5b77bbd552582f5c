"""Machines and DNS that are bought elsewhere: Hetzner, Vultr, a server that is there already; Cloudflare.

`Provider` (`provider.py`) and `Dns` (`dns.py`) are the seams; a fake stands beside the real ones, and one contract
suite runs on all of them. `http_api.py` is the one path on which an API is asked. Reasons: `docs/why/providers.md`.
"""
