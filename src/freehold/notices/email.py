"""A notice as a mail: plain text, and the same as HTML without anything that a mail could do. Pure."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from freehold.base.plain_text import clipped
from freehold.notices.links import Link
from freehold.notices.message import Message, Urgency
from freehold.project.notices import Mail

LONGEST_SUBJECT = 200


def mail_of(message: Message, mail: Mail) -> EmailMessage:
    """Every header is one line: what is in it was made so, and the policy refuses anything else."""
    made = EmailMessage(policy=SMTP)
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.to)
    made["Subject"] = clipped(f"[{message.project}] {message.title}", LONGEST_SUBJECT)
    made["Date"] = format_datetime(datetime.fromisoformat(message.at))
    made["Message-ID"] = f"<{message.id}@{mail.sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    if message.urgency is Urgency.HIGH:
        made["Importance"] = "high"
    made.set_content(_text(message), charset="utf-8", cte="quoted-printable")
    made.add_alternative(_html(message), subtype="html", charset="utf-8", cte="quoted-printable")
    return made


def _text(message: Message) -> str:
    facts = "\n".join(f"{name}: {value}" for name, value in message.facts)
    links = "\n".join(f"{link.label}: {link.url}" for link in _links(message))
    return "\n\n".join(filter(None, (message.title, message.text, message.hint, links, facts))) + "\n"


def _html(message: Message) -> str:
    parts = [f"<h3>{escape(message.title)}</h3>"]
    if message.text:
        parts.append(f'<pre style="white-space: pre-wrap">{escape(message.text)}</pre>')
    if message.hint:
        parts.append(f"<p>{escape(message.hint)}</p>")
    parts += [f'<p><a href="{escape(link.url)}">{escape(link.label)}</a></p>' for link in _links(message)]
    facts = " · ".join(f"{escape(name)}: {escape(value)}" for name, value in message.facts)
    return "\n".join(["<!doctype html><html><body>", *parts, f"<p><small>{facts}</small></p>", "</body></html>"])


def _links(message: Message) -> list[Link]:
    return [*message.answers, *([message.page] if message.page else [])]
