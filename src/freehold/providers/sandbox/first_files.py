"""The files that a sandbox finds when it boots: who may log in, and what it does on its first boot (pure)."""

from __future__ import annotations

import json

from freehold.providers.sandbox.order import Order

AUTHORISED_KEYS = "/root/.ssh/authorized_keys"
SEED = "/var/lib/cloud/seed/nocloud"
NO_CLOUD_INIT = "/etc/cloud/cloud-init.disabled"


def of(order: Order) -> dict[str, bytes]:
    """By path. Without a document for its first boot, cloud-init has nothing to do and takes no time."""
    keys = "".join(f"{key.strip()}\n" for key in order.public_keys)
    files = {AUTHORISED_KEYS: keys.encode()}
    if not order.user_data:
        return {**files, NO_CLOUD_INIT: b""}
    about = {"instance-id": order.name, "local-hostname": order.name}
    return {
        **files,
        f"{SEED}/user-data": order.user_data.encode(),
        f"{SEED}/meta-data": json.dumps(about).encode(),
    }
