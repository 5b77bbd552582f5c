"""A host of the internet as a sandbox sees it, which has no internet: a name, an address that is nobody's, and TLS at
port 443.

It is a network of its own in the sandbox: the kernel sends there as it would to anybody else.
"""

from __future__ import annotations

import base64

from tests.support.sandbox import SandboxServer

ANSWER = "hello from outside"
_ADDRESS, _OURS = "198.51.100.7", "198.51.100.1"
"""For documentation (RFC 5737), and dialled like a public one (`egress/addresses.py`)."""
_UNIT = "outside"
_SERVER = f"""\
import http.server, ssl
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "{len(ANSWER)}")
        self.end_headers()
        self.wfile.write(b"{ANSWER}")
server = http.server.ThreadingHTTPServer(("", 443), Answers)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/outside.pem", "/srv/outside.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
_MADE = f"""set -eu
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=outside \
  -keyout /srv/outside.key -out /srv/outside.pem 2> /dev/null
echo {base64.b64encode(_SERVER.encode()).decode()} | base64 -d > /srv/outside.py
systemd-run --quiet --unit {_UNIT} -p PrivateNetwork=yes python3 /srv/outside.py
pid=$(systemctl show --property=MainPID --value {_UNIT})
ip link add out0 type veth peer name out1
ip link set out1 netns $pid
ip addr add {_OURS}/24 dev out0
ip link set out0 up
nsenter -t $pid -n ip addr add {_ADDRESS}/24 dev out1
nsenter -t $pid -n ip link set out1 up
curl -sSk --retry 20 --retry-connrefused --retry-delay 1 --max-time 30 https://{_ADDRESS}/
"""


def serve_outside(sandbox: SandboxServer, name: str) -> None:
    """`https://NAME/` answers `ANSWER`, with a certificate that nobody trusts. Once for each sandbox."""
    assert sandbox.says(_MADE) == ANSWER
    sandbox.says(f"echo {_ADDRESS} {name} >> /etc/hosts")
