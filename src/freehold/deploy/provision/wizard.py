"""The questions of `env prov`: which comes next, and the way back (pure).

What was given by flags is not asked. Which questions there are depends on the answers so far; a question is asked again
only after its answer was taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from freehold.deploy.provision.wish import EXISTING


class Ask(StrEnum):
    """A question; its value is the flag that answers it."""

    PROVIDER = "provider"
    PLAN = "plan"
    REGION = "region"
    IMAGE = "image"
    SSH_KEY = "ssh-key"
    HOST = "host"
    USER = "user"
    PORT = "port"
    KEY = "key"
    SIGNER = "signer"
    ZONE = "zone"
    HTTPS = "https"
    SSL_MODE = "ssl-mode"
    CERT = "cert"
    KEY_FILE = "key-file"

    @property
    def flag(self) -> str:
        return "--https" if self in (Ask.SIGNER, Ask.ZONE) else f"--{self}"


CLOUDFLARE, OWN, NO_HTTPS = "cloudflare", "own", "no"
"""Answers to `SIGNER`: whose certificate."""

DEFAULTS: Mapping[Ask, str] = MappingProxyType(
    {Ask.IMAGE: "", Ask.SSH_KEY: "", Ask.USER: "root", Ask.PORT: "22", Ask.KEY: "", Ask.SIGNER: NO_HTTPS}
)
"""What holds where nobody is asked, and where a person just presses Enter. The rest must be answered."""

_RENTING = (Ask.PROVIDER, Ask.PLAN, Ask.REGION, Ask.IMAGE, Ask.SSH_KEY)
_EXISTING = (Ask.PROVIDER, Ask.HOST, Ask.USER, Ask.PORT, Ask.KEY)

Answers = Mapping[Ask, str]


def questions(answers: Answers, *, web: bool = True) -> tuple[Ask, ...]:
    """All that are known to come, answered or not. `web`: whether HTTPS can be set up from here."""
    if Ask.PROVIDER not in answers:
        return (Ask.PROVIDER,)
    server = _EXISTING if answers[Ask.PROVIDER] == EXISTING else _RENTING
    return (*server, *(_web(answers) if web else ()))


def _web(answers: Answers) -> tuple[Ask, ...]:
    match answers.get(Ask.SIGNER):
        case "cloudflare":
            zone = () if Ask.HTTPS in answers and Ask.ZONE not in answers else (Ask.ZONE,)
            return (Ask.SIGNER, *zone, Ask.HTTPS, Ask.SSL_MODE)
        case "own":
            return (Ask.SIGNER, Ask.HTTPS, Ask.CERT, Ask.KEY_FILE)
        case _:
            return (Ask.SIGNER,)


@dataclass(frozen=True)
class Said:
    """`settled`: there was one answer only, and nobody was asked."""

    ask: Ask
    answer: str
    settled: bool = False


@dataclass(frozen=True)
class Wizard:
    """`given` by flags, `said` in the order in which it was asked."""

    given: Answers
    said: tuple[Said, ...] = ()
    web: bool = True

    @property
    def answers(self) -> dict[Ask, str]:
        return {**{one.ask: one.answer for one in self.said}, **self.given}

    @property
    def next(self) -> Ask | None:
        """The question that is open; None when all are answered."""
        answers = self.answers
        return next((ask for ask in questions(answers, web=self.web) if ask not in answers), None)

    def answer(self, ask: Ask, answer: str, *, settled: bool = False) -> Wizard:
        return replace(self, said=(*self.said, Said(ask, answer, settled)))

    def back(self) -> Wizard | None:
        """Before the last question that somebody answered; None when there is none."""
        said = list(self.said)
        while said and said[-1].settled:
            said.pop()
        return replace(self, said=tuple(said[:-1])) if said else None

    def by_default(self) -> Wizard:
        """As if whatever has a default had been answered by it."""
        wizard = self
        while (ask := wizard.next) is not None and ask in DEFAULTS:
            wizard = wizard.answer(ask, DEFAULTS[ask], settled=True)
        return wizard


def missing(given: Answers, *, web: bool = True) -> list[str]:
    """The flags that are needed besides, all at once, where nobody can be asked."""
    answers = {**DEFAULTS, **given}
    if Ask.SSL_MODE not in answers and Ask.HTTPS in answers and Ask.CERT not in answers:
        answers[Ask.SIGNER] = CLOUDFLARE
    needed = questions(answers, web=web)
    if Ask.PROVIDER not in answers:
        needed = (Ask.PROVIDER, Ask.PLAN, Ask.REGION, *_web(answers))
    return [ask.flag for ask in needed if ask not in answers]
