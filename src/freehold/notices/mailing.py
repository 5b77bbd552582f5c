"""Handing a mail to a mail server: in a thread, over TLS that is verified, with a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
from email.message import EmailMessage

from freehold.base.plain_text import clipped
from freehold.base.redaction import Redaction
from freehold.base.secret import Secret
from freehold.notices.not_taken import NotTakenError
from freehold.project.notices import LOOPBACK, Mail

DEADLINE_S = 30.0
_SILENCE_S = 15.0
_LOOK_S = 0.1


class _Plain(smtplib.SMTP):
    """Connected when it is told to, so that it can be hung up on at any moment."""

    def __init__(self, mail: Mail) -> None:
        super().__init__(local_hostname=mail.sender.rpartition("@")[2], timeout=_SILENCE_S)
        self._host = mail.host  # the name that its certificate must have


class _Encrypted(smtplib.SMTP_SSL):
    def __init__(self, mail: Mail, context: ssl.SSLContext) -> None:
        super().__init__(local_hostname=mail.sender.rpartition("@")[2], timeout=_SILENCE_S, context=context)
        self._host = mail.host


async def hand_over(
    mail: Mail,
    login: tuple[str, Secret] | None,
    message: EmailMessage,
    *,
    context: ssl.SSLContext | None = None,
    deadline_s: float = DEADLINE_S,
) -> None:
    """Raises `NotTakenError` unless the server took it for at least one of those it is for."""
    trusted = context or ssl.create_default_context()
    line = _Encrypted(mail, trusted) if mail.security == "tls" else _Plain(mail)
    secrets = [login[1]] if login else []
    handing = asyncio.ensure_future(asyncio.to_thread(_hand_over, line, mail, login, message, trusted))
    try:
        async with asyncio.timeout(deadline_s):
            await asyncio.shield(handing)
    except TimeoutError:
        await _hang_up(line, handing)
        raise NotTakenError(f"the mail server is not done in {deadline_s:.0f} s") from None
    except asyncio.CancelledError:
        await _hang_up(line, handing)
        raise
    except (smtplib.SMTPException, OSError) as error:
        raise _as_not_taken(error, secrets) from None


def _hand_over(
    line: smtplib.SMTP, mail: Mail, login: tuple[str, Secret] | None, message: EmailMessage, context: ssl.SSLContext
) -> None:
    try:
        line.connect(mail.host, mail.port)
        if mail.security == "starttls":
            line.starttls(context=context)
        if login and (mail.security != "none" or mail.host in LOOPBACK):
            line.login(login[0], login[1].reveal())
        line.send_message(message)
        with contextlib.suppress(smtplib.SMTPException, OSError):  # it is taken already
            line.quit()
    finally:
        line.close()


async def _hang_up(line: smtplib.SMTP, handing: asyncio.Future[None]) -> None:
    """End what the thread waits for, whatever it has come to, and wait for the thread."""
    while not handing.done():
        if line.sock is not None:
            with contextlib.suppress(OSError):
                line.sock.shutdown(socket.SHUT_RDWR)
        await asyncio.wait({handing}, timeout=_LOOK_S)
    if not handing.cancelled():
        handing.exception()  # seen: why it ended is told already


def _as_not_taken(error: Exception, secrets: list[Secret]) -> NotTakenError:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()), (0, b""))
        return NotTakenError(
            f"the mail server knows nobody of that address ({_words(code, said, secrets)})", refused=True
        )
    if isinstance(error, smtplib.SMTPResponseException):
        message = f"the mail server says {_words(error.smtp_code, error.smtp_error, secrets)}"
        refused = isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused) and error.smtp_code >= 500
        return NotTakenError(message, refused=refused)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotTakenError(f"the mail server's certificate is not trusted: {clipped(error.verify_message, 200)}")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return NotTakenError("the mail server offers no STARTTLS, or no login")
    return NotTakenError(f"the mail server cannot be reached ({type(error).__name__})")


def _words(code: int, said: bytes | str, secrets: list[Secret]) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return clipped(f"{code} {Redaction(secrets).text(text)}", 200).strip()
