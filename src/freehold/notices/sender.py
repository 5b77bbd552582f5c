"""Sending a message to a channel: the seam, the real one, and a fake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from freehold.base.clock import Clock
from freehold.base.secret import Secret
from freehold.notices import ntfy, slack, webhook
from freehold.notices.message import Message
from freehold.notices.not_taken import NotTakenError
from freehold.project.notices import Channel, ChannelType
from freehold.store.credentials import CredentialStore

if TYPE_CHECKING:
    import ssl

_JSON = {"content-type": "application/json"}


class Sender(Protocol):
    async def send(self, channel: Channel, message: Message) -> None:
        """Returns once the other side took it, within a minute. Raises `NotTakenError`, or what the credential store
        raises; no secret is in either."""
        ...


class ChannelSender:
    """Each type of channel in its own language. Credentials are read each time: a new one counts at once."""

    def __init__(self, credentials: CredentialStore, clock: Clock, trusted: ssl.SSLContext | None = None) -> None:
        self._credentials = credentials
        self._clock = clock
        self._trusted = trusted

    async def send(self, channel: Channel, message: Message) -> None:
        secret = self._secret(channel)
        match channel.type:
            case ChannelType.SLACK:
                assert secret is not None
                await _post(secret, _JSON, msgspec.json.encode(slack.payload(message)))
            case ChannelType.NTFY:
                server, topic = ntfy.place_of(channel.url)
                headers = {**_JSON, "authorization": f"Bearer {secret.reveal()}"} if secret else _JSON
                body = msgspec.json.encode(ntfy.payload(message, topic))
                await _post(Secret(server), headers, body, [secret] if secret else [])
            case ChannelType.WEBHOOK:
                assert secret is not None
                body = webhook.body_of(message)
                headers = webhook.headers_of(message, body, secret, self._clock.now())
                await _post(Secret(channel.url), headers, body, [secret])
            case ChannelType.EMAIL:
                await self._mail(channel, message, secret)

    async def _mail(self, channel: Channel, message: Message, password: Secret | None) -> None:
        # Here, because most projects send none.
        from freehold.notices.email import mail_of
        from freehold.notices.mailing import hand_over

        mail = channel.mail
        assert mail is not None
        login = None
        if channel.credential and password:
            stored = self._credentials.get(channel.credential.ref, "username")
            login = (mail.username or (stored.reveal() if stored else mail.sender), password)
        await hand_over(mail, login, mail_of(message, mail), context=self._trusted)

    def _secret(self, channel: Channel) -> Secret | None:
        if channel.credential is None:
            return None
        secret = self._credentials.get(channel.credential.ref, channel.credential.field)
        if secret is None:
            ref = channel.credential.ref
            raise NotTakenError(f"{channel.credential} is not stored; store it: freehold creds add {ref}")
        return secret


async def _post(url: Secret, headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret] = ()) -> None:
    from freehold.notices.posting import post  # an HTTP client, which takes memory: only where something is sent

    await post(url, headers, body, secrets)


class FakeSender:
    """Keeps what was sent; `problem` is what goes wrong."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Message]] = []
        self.problem: NotTakenError | None = None
        self.tries = 0

    async def send(self, channel: Channel, message: Message) -> None:
        self.tries += 1
        if self.problem:
            raise self.problem
        self.sent.append((channel.name, message))
