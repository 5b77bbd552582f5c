"""How a notice looks, whichever way it is sent: nothing in it drives, calls or leads anybody."""

from __future__ import annotations

import base64
import email
import hashlib
import hmac
import json
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any

import pytest

from freehold.base.secret import Secret
from freehold.notices import ntfy, slack, webhook
from freehold.notices.email import mail_of
from freehold.notices.links import Links
from freehold.notices.message import LONGEST_TEXT, Message, Urgency, message_of
from freehold.project.notices import Mail, NoticeKind
from freehold.wire.permission import OpenPermission, PermissionOption
from tests.support.notices import AT, HOSTILE, NOW, asked, stored

KEY = b"k" * 32
LINKS = Links("https://fh.example.com/", KEY)
MAIL = Mail(("a@example.com", "b@example.com"), "fh@example.com", "smtp.example.com", 587, "starttls", "")


def question(title: str = "rm -rf build") -> Message:
    return message_of([stored(7, NoticeKind.PERMISSION, permission=asked(title=title))], "shop", LINKS)


def hostile() -> Message:
    option = PermissionOption("x", "</a>|<!here>\n\x1b[1m", "allow_once")
    permission = OpenPermission("p1", HOSTILE, (option,), until=AT, default="")
    one = stored(8, NoticeKind.PERMISSION, text=HOSTILE, title=HOSTILE, permission=permission)
    return message_of([one], HOSTILE, LINKS)


def test_a_notice_alone() -> None:
    message = message_of([stored()], "shop", LINKS)
    assert (message.title, message.text, message.hint, message.urgency) == (
        "dev failed",
        "no such file",
        "Look.",
        Urgency.NORMAL,
    )
    assert message.page
    assert message.page.url == "https://fh.example.com/runs/dev-01arz3ndektsv4rrffq69g5fav"
    assert message.answers == ()


def test_without_an_address_there_are_no_links() -> None:
    message = message_of([stored(7, NoticeKind.PERMISSION, permission=asked())], "shop", Links("", KEY))
    assert (message.page, message.answers) == (None, ())


def test_many_are_one_message_that_counts() -> None:
    many = [stored(at) for at in range(120)] + [stored(200 + at, title=f"agent {at} failed") for at in range(12)]
    message = message_of(many, "shop", LINKS)
    assert message.title == "132 notices"
    assert message.text.splitlines()[0] == "120 times: dev failed"
    assert message.text.splitlines()[-1] == "and 3 others"
    assert (len(message.notices), message.left_out) == (100, 32)
    assert message.id == f"{many[0].id}-{many[-1].id}"


def test_of_what_is_too_long_the_end_is_shown() -> None:
    message = message_of([stored(text="x" * 10_000 + " the end")], "shop", LINKS)
    assert message.text.endswith("the end")
    assert len(message.text) <= LONGEST_TEXT + 2


def test_slack_shows_words_of_others_as_they_are() -> None:
    payload = slack.payload(hostile())
    assert "<!channel>" not in payload["text"]
    assert "&lt;!channel&gt; &amp; &lt;b&gt;" in payload["text"]
    for block in payload["blocks"]:
        texts = [block["text"]] if "text" in block else block["elements"]
        for text in texts:
            if text["type"] == "mrkdwn":
                assert "<!" not in text["text"]
                assert text["text"].count("<") == text["text"].count(">") == text["text"].count("|") == 2
            assert "\x1b" not in text["text"]
    header = payload["blocks"][0]["text"]
    assert len(header["text"]) <= 150
    assert "\n" not in header["text"]


def test_slack_links_each_answer() -> None:
    [links] = [block["text"]["text"] for block in slack.payload(question())["blocks"] if _is_markdown(block)]
    assert links.startswith("<https://fh.example.com/answer/00000000000000000000000007.0.")
    assert "|Allow>" in links
    assert "|Reject>" in links
    assert "|Look at the run>" in links


def _is_markdown(block: dict[str, Any]) -> bool:
    return bool(block["type"] == "section" and block["text"]["type"] == "mrkdwn")


def test_ntfy_gets_json_with_links_that_only_open_a_page() -> None:
    payload = ntfy.payload(question(), "topic")
    assert payload["topic"] == "topic"
    assert payload["title"] == "shop: dev failed"
    assert payload["priority"] == 4
    assert payload["tags"] == ["raised_hand"]
    assert [(action["action"], action["label"]) for action in payload["actions"]] == [
        ("view", "Allow"),
        ("view", "Reject"),
        ("view", "Look at the run"),
    ]
    assert ntfy.place_of("https://ntfy.example.com:8443/my-topic") == ("https://ntfy.example.com:8443/", "my-topic")


def test_ntfy_makes_no_attachment_of_a_long_text() -> None:
    message = message_of([stored(text="é" * 5000)], "shop", LINKS)
    assert len(ntfy.payload(message, "t")["message"].encode()) < 4096


def test_a_program_can_verify_what_it_gets() -> None:
    """As https://www.standardwebhooks.com says, worked out here once more."""
    raw = b"a secret of some length"
    message = question()
    body = webhook.body_of(message)
    for secret in (Secret(raw.decode()), Secret("whsec_" + base64.b64encode(raw).decode())):
        headers = webhook.headers_of(message, body, secret, NOW)
        signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
        wanted = base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{wanted}"
        assert int(headers["webhook-timestamp"]) == int(NOW.timestamp())
    told = json.loads(body)
    assert (told["type"], told["timestamp"], told["data"]["project"]) == ("notice.permission", AT, "shop")
    [notice] = told["data"]["notices"]
    assert notice["permission"]["options"][0] == {"id": "y", "name": "Allow", "kind": "allow_once"}
    assert [answer["name"] for answer in told["data"]["answers"]] == ["Allow", "Reject"]


def test_the_standards_own_example() -> None:
    """From the test vectors of standard-webhooks/standard-webhooks, `libraries/python/tests`."""
    signed = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + b'{"test": 2432232314}'
    key = webhook.key_of(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert signature == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def read_back(message: Message) -> EmailMessage:
    parsed = email.message_from_bytes(mail_of(message, MAIL).as_bytes(), policy=modern)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_a_mail_has_the_text_twice() -> None:
    mail = read_back(question())
    assert mail["Subject"] == "[shop] dev failed"
    assert mail["To"] == "a@example.com, b@example.com"
    assert mail["Message-ID"] == "<00000000000000000000000007@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain
    assert html
    assert "Allow: https://fh.example.com/answer/" in plain.get_content()
    assert '">Allow</a>' in html.get_content()


def test_no_words_become_a_header_or_markup() -> None:
    mail = read_back(hostile())
    assert mail["Bcc"] is None
    assert sorted(mail.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Importance", "MIME-Version", "Content-Type"]
    )
    assert "Bcc: x@example.com" in mail["Subject"]
    html = mail.get_body(("html",))
    assert html
    content = html.get_content()
    assert "<!channel>" not in content
    assert "<b>" not in content
    assert "&lt;b&gt;" in content
    assert "\x1b" not in content
    assert "\u202e" not in content


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_kind_can_be_sent_every_way(kind: NoticeKind) -> None:
    message = message_of([stored(1, kind)], "shop", LINKS)
    assert slack.payload(message)["blocks"]
    assert ntfy.payload(message, "t")["tags"] != ["bell"]
    assert json.loads(webhook.body_of(message))["type"] == f"notice.{kind}"
    assert mail_of(message, MAIL)["Subject"]
