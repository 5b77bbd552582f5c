"""A mail server of a test's own (RFC 5321): what it was told, it writes down."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Mailbox:
    """What came. `login` is who logged in, `encrypted` whether the mail came over TLS."""

    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    data: bytes = b""
    login: tuple[str, str] | None = None
    encrypted: bool = False


class MailServer:
    """At `port` of 127.0.0.1 until `close`. `tls` from the first byte, or with `context` alone by STARTTLS.

    `says` replaces the answer to a command: `{"DATA": "550 no"}`. `hangs`: it answers nothing at all; `drips`: its
    greeting never ends.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        tls: bool = False,
        says: Mapping[str, str] | None = None,
        hangs: bool = False,
        drips: bool = False,
    ) -> None:
        self.mails: list[Mailbox] = []
        self.closing = threading.Event()
        self.context, self.tls, self.says, self.hangs, self.drips = context, tls, says or {}, hangs, drips
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.settimeout(10)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # A client that leaves in the middle is a part of the tests.
        with contextlib.suppress(OSError):
            session = _Session(self, connection)
            try:
                session.serve()
            finally:
                session.connection.close()


class _Session:
    def __init__(self, server: MailServer, connection: socket.socket) -> None:
        self._server = server
        self.connection = connection
        self._mail = Mailbox()
        self._rest = b""

    def serve(self) -> None:
        if self._server.tls:
            self._encrypt()
        if self._server.hangs:
            self._server.closing.wait()
            return
        while self._server.drips and not self._server.closing.wait(0.05):
            self._say("220-not yet")
        self._say("220 mail.test")
        while line := self._line().decode().strip():
            verb, _, rest = line.partition(" ")
            if verb.upper() == "QUIT":
                self._say("221 bye")
                return
            known = self._server.says.get(verb.upper())
            if known:
                self._say(known)
            else:
                self._obey(verb.upper(), rest)

    def _obey(self, verb: str, rest: str) -> None:
        if verb == "EHLO":
            self._say("250-mail.test")
            if self._server.context and not self._mail.encrypted:
                self._say("250-STARTTLS")
            self._say("250 AUTH PLAIN")
        elif verb == "STARTTLS":
            self._say("220 go on")
            self._encrypt()
        elif verb == "AUTH":
            _, user, password = base64.b64decode(rest.partition(" ")[2]).split(b"\0")
            self._mail.login = (user.decode(), password.decode())
            self._say("235 welcome")
        elif verb == "MAIL":
            self._mail.sender = rest
            self._say("250 ok")
        elif verb == "RCPT":
            self._mail.recipients.append(rest)
            self._say("250 ok")
        elif verb == "DATA":
            self._take()
        else:
            self._say("500 what?")

    def _take(self) -> None:
        self._say("354 go on")
        while (line := self._line()) not in (b".\r\n", b""):
            self._mail.data += line
        self._server.mails.append(self._mail)
        self._say("250 taken")

    def _encrypt(self) -> None:
        assert self._server.context
        self.connection = self._server.context.wrap_socket(self.connection, server_side=True)
        self._mail.encrypted = True

    def _say(self, line: str) -> None:
        self.connection.sendall(line.encode() + b"\r\n")

    def _line(self) -> bytes:
        while b"\n" not in self._rest:
            more = self.connection.recv(4096)
            if not more:
                return b""
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line + b"\n"
