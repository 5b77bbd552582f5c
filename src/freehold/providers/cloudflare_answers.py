"""What is read of Cloudflare's answers (API v4)."""

from __future__ import annotations

from msgspec import Raw, Struct, field


class ResultInfo(Struct, frozen=True):
    page: int = 1
    per_page: int = 0
    total_count: int = 0


class Envelope(Struct, frozen=True):
    """Around every result."""

    success: bool


class Nothing(Envelope, frozen=True):
    """A result that does not matter."""

    result: Raw = Raw(b"null")


class Token(Struct, frozen=True):
    id: str
    status: str


class TokenAnswer(Envelope, frozen=True):
    result: Token


class ZoneFound(Struct, frozen=True):
    """`status`: `initializing`, `pending`, `active`, `moved`."""

    id: str
    name: str
    status: str


class Zones(Envelope, frozen=True):
    result: list[ZoneFound]
    result_info: ResultInfo = ResultInfo()


class RecordFound(Struct, frozen=True):
    id: str
    type: str
    name: str
    content: str = ""
    proxied: bool = False
    comment: str | None = None


class Records(Envelope, frozen=True):
    result: list[RecordFound]
    result_info: ResultInfo = ResultInfo()


class RecordAnswer(Envelope, frozen=True):
    result: RecordFound


class CertificateFound(Struct, frozen=True):
    id: str
    hostnames: list[str]
    certificate: str = ""
    csr: str = ""
    revoked_at: str | None = None


class Certificates(Envelope, frozen=True):
    result: list[CertificateFound]
    result_info: ResultInfo = ResultInfo()


class CertificateAnswer(Envelope, frozen=True):
    result: CertificateFound


class Setting(Struct, frozen=True):
    value: str


class SettingAnswer(Envelope, frozen=True):
    result: Setting


class Parameters(Struct, frozen=True):
    ssl: str = ""


class HostRule(Struct, frozen=True):
    id: str
    action: str = ""
    expression: str = ""
    description: str = ""
    enabled: bool = True
    action_parameters: Parameters = Parameters()


class Ruleset(Struct, frozen=True):
    id: str
    rules: list[HostRule] = field(default_factory=list)


class RulesetAnswer(Envelope, frozen=True):
    result: Ruleset


class Networks(Struct, frozen=True):
    ipv4_cidrs: list[str]
    ipv6_cidrs: list[str]


class NetworksAnswer(Envelope, frozen=True):
    result: Networks
