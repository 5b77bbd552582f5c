"""Cloudflare's proxy on this machine: HTTPS for the names of a strict Cloudflare, handed on to where they lead.

Answers of its own are those of Cloudflare: 521 nobody listens, 522 too slow, 525 no TLS, 526 a certificate that it does
not trust, 530 no such name. WebSockets are not handed on.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.strict_cloudflare import StrictCloudflare

ORIGIN_WITHIN_S = 20.0
_OWN = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection", "te", "trailer"})
"""Headers of one connection, not of a message (RFC 9110 section 7.6.1)."""
_SET_HERE = frozenset({"cf-connecting-ip", "x-forwarded-for", "x-forwarded-proto", "cf-ray", "cdn-loop"})
"""A visitor cannot say them."""


class CloudflareProxy:
    """At `port` of this machine, with `context` for visitors. `origin_port` is 443 but in tests of the proxy itself."""

    def __init__(
        self, api: StrictCloudflare, context: ssl.SSLContext, *, origin_port: int = 443, plain_port: int = 80
    ) -> None:
        self._api = api
        self._ports = {True: origin_port, False: plain_port}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def connect(self, host: str) -> http.client.HTTPConnection | None:
        """To where the name leads, as its SSL mode wants it; None when it leads nowhere."""
        origin = self._api.origin_of(host)
        if origin is None:
            return None
        address, mode = origin
        if mode in ("off", "flexible"):
            return http.client.HTTPConnection(address, self._ports[False], timeout=ORIGIN_WITHIN_S)
        return _TlsConnection(address, self._ports[True], host, self._context(strict=mode == "strict"))

    def _context(self, *, strict: bool) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self._api.authority.certificate_pem)
        if not strict:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class _TlsConnection(http.client.HTTPSConnection):
    """To an address, in the name of a host."""

    def __init__(self, address: str, port: int, host: str, context: ssl.SSLContext) -> None:
        super().__init__(address, port, timeout=ORIGIN_WITHIN_S, context=context)
        self._host_name, self._tls = host, context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._host_name)


class _Handler(BaseHTTPRequestHandler):
    proxy: CloudflareProxy
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        host = (self.headers.get("host") or "").partition(":")[0].lower()
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        origin = self.proxy.connect(host)
        if origin is None:
            self._fail(530, "error code: 1016")
            return
        try:
            origin.request(self.command, self.path, body or None, self._handed_on())
            self._hand_back(origin.getresponse())
        except ssl.SSLCertVerificationError as error:
            self._fail(526, f"invalid SSL certificate: {error.verify_message}")
        except ssl.SSLError as error:
            self._fail(525, f"SSL handshake failed: {error.reason}")
        except TimeoutError:
            self._fail(522, "connection timed out")
        except (OSError, http.client.HTTPException) as error:
            self._fail(521, f"web server is down: {type(error).__name__}")
        finally:
            origin.close()

    def _handed_on(self) -> Mapping[str, str]:
        mine = {name: value for name, value in self.headers.items() if name.lower() not in _OWN | _SET_HERE}
        visitor = self.client_address[0]
        before = self.headers.get("x-forwarded-for")
        forwarded = f"{before}, {visitor}" if before else visitor
        marks = {"CF-Connecting-IP": visitor, "X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
        return {**mine, **marks, "CF-Ray": "0123456789abcdef-TST", "CDN-Loop": "cloudflare"}

    def _hand_back(self, response: http.client.HTTPResponse) -> None:
        """As it comes, so that streams of events are streams."""
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in (*_OWN, "date", "server"):
                self.send_header(name, value)
        whole = response.length is not None or self.command == "HEAD" or response.status in (204, 304)
        if not whole:
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        while piece := response.read1(64 * 1024):
            self.wfile.write(piece if whole else b"%x\r\n%b\r\n" % (len(piece), piece))
        if not whole:
            self.wfile.write(b"0\r\n\r\n")

    def _fail(self, status: int, why: str) -> None:
        self.send_response(status, "Cloudflare")
        data = why.encode()
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  the base class's names

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  its word
        """Standard error belongs to the test."""
