"""Notices on the wire, against servers that take nothing for granted; and that no secret is in what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import email
import json
import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.secret import Secret
from freehold.notices import webhook
from freehold.notices.email import mail_of
from freehold.notices.links import Links
from freehold.notices.mailing import hand_over
from freehold.notices.message import Message, message_of
from freehold.notices.not_taken import NotTakenError
from freehold.notices.posting import post
from freehold.notices.sender import ChannelSender
from freehold.project.credential import CredentialRef
from freehold.project.notices import ChannelType, Mail, NoticeKind
from freehold.store.credentials import MemoryCredentialStore
from tests.support.certificates import Authority
from tests.support.mail_server import MailServer
from tests.support.notices import HOSTILE, NOW, asked, channel, stored
from tests.support.strict_server import Asked, Reply, StrictServer

TOKEN = "tk_canary0123456789"
PATH = "/services/T000/B000/canarycanarycanary"


def message(text: str = "no such file") -> Message:
    one = stored(7, NoticeKind.PERMISSION, text=text, permission=asked())
    return message_of([one], "shop", Links("https://fh.example.com", b"k" * 32))


@pytest.fixture
def serve() -> Iterator[Callable[[Reply], StrictServer]]:
    servers: list[StrictServer] = []

    def make(reply: Reply) -> StrictServer:
        def answer(_asked: Asked) -> Reply:
            return reply

        servers.append(StrictServer(answer))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def sender(**secrets: dict[str, str]) -> ChannelSender:
    store = MemoryCredentialStore()
    for name, fields in secrets.items():
        store.put(CredentialRef(name), {field: Secret(value) for field, value in fields.items()})
    return ChannelSender(store, FakeClock(NOW))


async def test_slack(serve: Callable[[Reply], StrictServer]) -> None:
    server = serve(Reply(body=b"ok"))
    out = sender(slack_webhook={"url": server.url + PATH})
    await out.send(channel(ChannelType.SLACK, opened_by="slack_webhook.url"), message(HOSTILE))
    [asked_] = server.asked
    assert (asked_.method, asked_.target) == ("POST", PATH)
    assert asked_.headers["content-type"] == "application/json"
    assert json.loads(asked_.body)["blocks"][0]["type"] == "header"
    assert b"<!channel>" not in asked_.body.split(b'"blocks"')[0]


async def test_ntfy(serve: Callable[[Reply], StrictServer]) -> None:
    server = serve(Reply(body={"id": "x"}))
    out = sender(ntfy_token={"token": TOKEN})
    opened = channel(ChannelType.NTFY, f"{server.url}/my-topic", opened_by="ntfy_token.token")
    await out.send(opened, message())
    await out.send(channel(ChannelType.NTFY, f"{server.url}/my-topic"), message())
    with_token, without = server.asked
    assert (with_token.target, with_token.headers["authorization"]) == ("/", f"Bearer {TOKEN}")
    assert "authorization" not in without.headers
    assert json.loads(without.body)["topic"] == "my-topic"


async def test_a_program(serve: Callable[[Reply], StrictServer]) -> None:
    server = serve(Reply(status=204, body=b""))
    out = sender(notice_webhook_secret={"secret": "a secret of some length"})
    opened = channel(ChannelType.WEBHOOK, f"{server.url}/in", opened_by="notice_webhook_secret.secret")
    await out.send(opened, message())
    [asked_] = server.asked
    wanted = webhook.headers_of(message(), asked_.body, Secret("a secret of some length"), NOW)
    assert {name: asked_.headers[name] for name in wanted} == wanted
    assert json.loads(asked_.body)["type"] == "notice.permission"


REPLIES = [
    (Reply(400, b"invalid_blocks"), "it answered 400: invalid_blocks", True, 0.0),
    (Reply(404, b"no_service"), "it answered 404: no_service", False, 0.0),
    (Reply(429, b"slow", {"retry-after": "120"}), "it answered 429: slow", False, 120.0),
    (Reply(429, b"", {"retry-after": "soon"}), "it answered 429", False, 0.0),
    (Reply(302, b"", {"location": "https://evil.example"}), "it answered 302", False, 0.0),
    (Reply(500, PATH.encode() * 9000), "it answered 500", False, 0.0),
    (Reply(503, f"you said {TOKEN} \x1b[31m".encode()), "it answered 503: you said [hidden] [31m", False, 0.0),
]


@pytest.mark.parametrize(("reply", "said", "refused", "retry_after_s"), REPLIES)
async def test_what_is_not_taken_is_told_without_secrets(
    serve: Callable[[Reply], StrictServer], reply: Reply, said: str, refused: bool, retry_after_s: float
) -> None:
    server = serve(reply)
    with pytest.raises(NotTakenError) as raised:
        await post(Secret(server.url + PATH), {}, b"{}", [Secret(TOKEN)])
    assert raised.value.message.startswith(said)
    assert len(raised.value.message) < 300
    assert (raised.value.refused, raised.value.retry_after_s) == (refused, retry_after_s)
    assert TOKEN not in raised.value.message


async def test_one_that_hangs_is_not_waited_for(serve: Callable[[Reply], StrictServer]) -> None:
    server = serve(Reply(hangs=True))
    with pytest.raises(NotTakenError, match="no answer in 0 s"):
        await post(Secret(server.url + PATH), {}, b"{}", deadline_s=0.2)


@pytest.mark.parametrize("url", ["http://example.com/x", "file:///etc/passwd", "https://u:p@example.com/", "nonsense"])
async def test_it_is_sent_nowhere_where_others_read_along(url: str) -> None:
    with pytest.raises(NotTakenError, match="its address ") as raised:
        await post(Secret(url), {}, b"{}")
    assert url not in raised.value.message


async def test_the_address_is_in_no_log(
    serve: Callable[[Reply], StrictServer], caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(Reply(body=b"ok"))
    with caplog.at_level(logging.INFO):
        await post(Secret(server.url + PATH), {}, b"{}")
        with pytest.raises(NotTakenError) as raised:
            await post(Secret(f"http://127.0.0.1:1{PATH}"), {}, b"{}")
    assert raised.value.message == "it cannot be reached (ConnectError)"
    assert "canary" not in caplog.text


async def test_without_its_credential_it_says_what_to_do() -> None:
    with pytest.raises(NotTakenError, match=r"slack_webhook.url is not stored; store it: freehold creds add"):
        await sender().send(channel(ChannelType.SLACK, opened_by="slack_webhook.url"), message())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def mail_to(server: MailServer, security: str, host: str = "localhost") -> Mail:
    return Mail(("a@example.com", "b@example.com"), "fh@example.com", host, server.port, security, "")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_over_tls(authority: Authority, security: str) -> None:
    server = MailServer(authority.server_context("localhost"), tls=security == "tls")
    try:
        store = MemoryCredentialStore()
        store.put(CredentialRef("smtp"), {"username": Secret("me"), "password": Secret(TOKEN)})
        out = ChannelSender(store, FakeClock(NOW), authority.client_context())
        mail = mail_to(server, security)
        await out.send(channel(ChannelType.EMAIL, opened_by="smtp.password", mail=mail), message(HOSTILE))
    finally:
        server.close()
    [got] = server.mails
    assert (got.encrypted, got.login) == (True, ("me", TOKEN))
    assert got.sender.startswith("FROM:<fh@example.com>")
    assert got.recipients == ["TO:<a@example.com>", "TO:<b@example.com>"]
    parsed = email.message_from_bytes(got.data)
    assert parsed["Subject"] == "[shop] dev failed"
    assert parsed["Bcc"] is None
    assert TOKEN.encode() not in got.data
    assert base64.b64encode(TOKEN.encode()) not in got.data


async def test_mail_to_a_server_of_this_machine_needs_no_tls() -> None:
    server = MailServer()
    try:
        mail = mail_to(server, "none", "127.0.0.1")
        await sender().send(channel(ChannelType.EMAIL, mail=mail), message())
    finally:
        server.close()
    assert [got.login for got in server.mails] == [None]


async def refused(server: MailServer, mail: Mail, context: ssl.SSLContext | None, deadline_s: float = 10.0) -> str:
    login = ("me", Secret(TOKEN))
    try:
        with pytest.raises(NotTakenError) as raised:
            await hand_over(mail, login, mail_of(message(), mail), context=context, deadline_s=deadline_s)
    finally:
        server.close()
    assert TOKEN not in raised.value.message
    assert server.mails == []
    return f"{raised.value.message}{' (this one)' if raised.value.refused else ''}"


async def test_a_certificate_of_nobody_we_trust_gets_neither_mail_nor_password(authority: Authority) -> None:
    server = MailServer(authority.server_context("localhost"))
    assert "certificate is not trusted" in await refused(server, mail_to(server, "starttls"), None)


async def test_a_certificate_of_another_name_gets_neither(authority: Authority, tmp_path: Path) -> None:
    server = MailServer(authority.server_context("other.example"), tls=True)
    said = await refused(server, mail_to(server, "tls"), authority.client_context())
    assert "certificate is not trusted" in said


async def test_a_server_without_starttls_gets_neither() -> None:
    server = MailServer()
    said = await refused(server, mail_to(server, "starttls"), ssl.create_default_context())
    assert said == "the mail server offers no STARTTLS, or no login"


SAYS = [
    ({"AUTH": f"535 {TOKEN} is wrong"}, "the mail server says 535 [hidden] is wrong"),
    ({"RCPT": "550 nobody"}, "the mail server knows nobody of that address (550 nobody) (this one)"),
    ({"MAIL": "451 later"}, "the mail server says 451 later"),
    ({"DATA": "554 spam\x1b[1m"}, "the mail server says 554 spam[1m (this one)"),
]


@pytest.mark.parametrize(("says", "told"), SAYS)
async def test_what_the_mail_server_says_is_told(authority: Authority, says: dict[str, str], told: str) -> None:
    server = MailServer(authority.server_context("localhost"), says=says)
    assert await refused(server, mail_to(server, "starttls"), authority.client_context()) == told


@pytest.mark.parametrize("way", ["hangs", "drips"])
async def test_a_mail_server_without_end_is_hung_up_on(way: str) -> None:
    server = MailServer(hangs=way == "hangs", drips=way == "drips")
    said = await refused(server, mail_to(server, "none", "127.0.0.1"), None, deadline_s=0.5)
    assert said == "the mail server is not done in 0 s"


async def test_a_cancelled_mail_leaves_no_thread_behind() -> None:
    server = MailServer(hangs=True)
    mail = mail_to(server, "none", "127.0.0.1")
    handing = asyncio.create_task(hand_over(mail, None, mail_of(message(), mail)))
    await asyncio.sleep(0.1)
    handing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(handing, 5)
    server.close()
