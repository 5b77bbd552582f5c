"""What somebody wants of `env prov`, once all questions are answered (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

EXISTING = "existing"
IDS = {"hetzner": "hetznerServerId", "vultr": "vultrInstanceId", "sandbox": "sandboxName"}
"""The key of `[server]` that holds a machine's id; it is a number at Hetzner."""
REGIONS = {"hetzner": "hetznerLocation", "vultr": "vultrRegion"}
OTHER_ID = "serverId"


@dataclass(frozen=True)
class Wish:
    """`key` is `vps_ssh:INSTANCE`, or `provider:ID`; `key_path` a private key's file, and then no other key counts.

    `host` and `user` are those of an existing server. `hostname` is empty without HTTPS; `certificate` says who signs
    for it.
    """

    provider: str
    plan: str = ""
    region: str = ""
    image: str = ""
    distribution: str = ""
    key: str = ""
    key_path: str = ""
    host: str = ""
    user: str = ""
    port: int = 22
    host_key: str = ""
    expose: bool = True
    price: str = ""
    hostname: str = ""
    zone_id: str = ""
    project: str = ""
    certificate: str = ""
    certificate_file: str = ""
    certificate_key_file: str = ""
    ssl_mode: str = ""

    @property
    def rents(self) -> bool:
        return self.provider != EXISTING

    @property
    def server_table(self) -> dict[str, Any]:
        table: dict[str, Any] = {"host": self.host, "user": self.user, "provider": self.provider}
        if self.port != 22:
            table["port"] = self.port
        table |= {"keyPath": self.key_path, "hostKey": self.host_key, "hostname": self.hostname}
        table |= {"cloudflareZoneId": self.zone_id}
        if not self.expose:
            table["expose"] = False
        return {key: value for key, value in table.items() if value != ""}

    @property
    def provision_table(self) -> dict[str, Any]:
        table = {
            "plan": self.plan,
            "region": self.region,
            "image": self.image,
            "distribution": self.distribution,
            "key": self.key,
            "price": self.price,
            "project": self.project,
            "certificate": self.certificate,
            "certificateFile": self.certificate_file,
            "certificateKeyFile": self.certificate_key_file,
            "sslMode": self.ssl_mode,
        }
        return {key: value for key, value in table.items() if value}
