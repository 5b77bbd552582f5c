"""The flags of `freehold env prov` and `env https`, and which questions they answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.provision.wizard import CLOUDFLARE, OWN, Ask
from freehold.providers.origin_request import checked_hostname

FIRST = "first"
"""In the place of a host key: whichever the server shows at the first login."""


@dataclass(frozen=True)
class Flags:
    """Empty and None stand for what was not given."""

    provider: str = ""
    plan: str = ""
    region: str = ""
    image: str = ""
    ssh_key: str = ""
    host: str = ""
    user: str = ""
    port: int | None = None
    key: str = ""
    host_key: str = ""
    https: str = ""
    ssl_mode: str = ""
    replace_records: bool = False
    cert: str = ""
    key_file: str = ""
    expose: bool | None = None
    yes: bool = False
    timeout: float | None = None
    dns_wait: float | None = None

    @property
    def given(self) -> dict[Ask, str]:
        """Answers by question. Raises USAGE for flags that need another one."""
        if not self.https and (self.cert or self.key_file or self.ssl_mode):
            raise FreeholdError(Code.USAGE, "--cert, --key-file and --ssl-mode are for --https HOSTNAME")
        if self.cert and self.ssl_mode:
            raise FreeholdError(Code.USAGE, "--ssl-mode is Cloudflare's, and --cert is without Cloudflare")
        signer = "" if not self.https else OWN if self.cert or self.key_file else CLOUDFLARE
        hostname = checked_hostname(self.https) if self.https else ""
        answers = {
            Ask.PROVIDER: self.provider, Ask.PLAN: self.plan, Ask.REGION: self.region, Ask.IMAGE: self.image,
            Ask.SSH_KEY: self.ssh_key, Ask.HOST: self.host, Ask.USER: self.user,
            Ask.PORT: str(self.port) if self.port else "", Ask.KEY: _absolute(self.key),
            Ask.SIGNER: signer, Ask.HTTPS: hostname, Ask.SSL_MODE: self.ssl_mode,
            Ask.CERT: _absolute(self.cert), Ask.KEY_FILE: _absolute(self.key_file),
        }  # fmt: skip
        return {ask: answer for ask, answer in answers.items() if answer}


def _absolute(path: str) -> str:
    """The file may be wanted again when somebody stands elsewhere."""
    return str(Path(path).expanduser().absolute()) if path else ""
