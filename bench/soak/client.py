"""Whoever asks the service over HTTP, and asks again until it is told how that went."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any

import aiohttp

from bench.soak.ledger import Ledger
from bench.soak.project import HUB_SECRET
from bench.soak.service import Service
from freehold.wire.service import API

AGAIN_S = 0.5
PATIENCE_S = 60.0
"""How long an acknowledgement is waited for; a service that was killed is back within a few seconds."""
_TIMEOUT = aiohttp.ClientTimeout(total=20)
_COMES_AGAIN = frozenset({429, 502, 503})
_BODY = b'{"action": "opened", "issue": {"number": %d, "title": "It broke"}, "repository": {"full_name": "acme/shop"}}'


class Client:
    """Notes what is accepted in the ledger. What has an effect has a key of its own, so that asking again is safe."""

    def __init__(self, service: Service, ledger: Ledger, session: aiohttp.ClientSession) -> None:
        self._service = service
        self._ledger = ledger
        self._session = session
        self._numbers = 0

    async def ask(
        self, method: str, path: str, expected: frozenset[int], data: bytes | None = None, **options: Any
    ) -> Any:
        """The answer, once there is one; None when nobody accepted it in time. A status that is neither expected nor
        an invitation to come again is a surprise.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while loop.time() < deadline:
            try:
                async with self._session.request(
                    method, self._service.url + path, data=data, timeout=_TIMEOUT, **options
                ) as response:
                    said = await response.read()
                    if response.status in expected:
                        return await response.json()
                    if response.status not in _COMES_AGAIN:
                        self._ledger.surprise(f"{method} {path}: {response.status} {said[:200]!r}")
                        return None
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass  # it was killed, perhaps after it had taken it in: the key tells
            await asyncio.sleep(AGAIN_S)
        self._ledger.surprise(f"{method} {path}: nobody answered for {PATIENCE_S:.0f} s")
        return None

    async def call(self, method: str, path: str, body: bytes | None = None) -> Any:
        """An endpoint of the API, as an administrator."""
        headers = {"authorization": f"Bearer {self._service.key}"}
        return await self.ask(method, API + path, frozenset({200, 202}), body, headers=headers)

    async def trigger(self, agent: str, prompt: str = "") -> str:
        """The id of a trigger that was accepted; empty when none was."""
        self._numbers += 1
        self._ledger.sent["manual"] += 1
        key = f"k-{self._numbers}"
        body = f'{{"key": "{key}", "prompt": "{prompt}"}}'.encode()
        answer = await self.call("POST", f"/agents/{agent}/trigger", body)
        if answer is None:
            return ""
        self._ledger.triggers[answer["trigger_id"]] = f"manual {agent} {key}"
        return str(answer["trigger_id"])

    async def deliver(self, *, twice: bool = False) -> None:
        """A signed delivery, and the same one again."""
        self._numbers += 1
        self._ledger.sent["webhook"] += 1
        delivery = f"d-{self._numbers}"
        answer = await self._post(delivery, HUB_SECRET.reveal(), frozenset({200}))
        if answer is None:
            return
        self._ledger.deliveries[delivery] = answer["receiptId"]
        if not twice:
            return
        self._ledger.sent["repeated webhook"] += 1
        again = await self._post(delivery, HUB_SECRET.reveal(), frozenset({200}))
        if again and (not again.get("duplicate") or again["receiptId"] != answer["receiptId"]):
            self._ledger.surprise(f"delivery {delivery} was taken twice: {answer}, then {again}")

    async def forge(self) -> None:
        """A delivery with another secret: it must be refused."""
        self._numbers += 1
        self._ledger.sent["forged webhook"] += 1
        await self._post(f"forged-{self._numbers}", "another secret", frozenset({401}))

    async def _post(self, delivery: str, secret: str, expected: frozenset[int]) -> Any:
        body = _BODY % self._numbers
        digest = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
        headers = {
            "x-github-event": "issues", "x-github-delivery": delivery, "x-hub-signature-256": f"sha256={digest}",
            "content-type": "application/json",
        }  # fmt: skip
        return await self.ask("POST", "/webhooks/hub", expected, body, headers=headers)
