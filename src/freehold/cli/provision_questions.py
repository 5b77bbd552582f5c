"""The questions of `freehold env prov`, put at a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.cli.asking import BACK, Answer, BackError, choose, line
from freehold.cli.output import note
from freehold.cli.provision_shop import Shop
from freehold.deploy.provision.choices import Choice, Facts, choices
from freehold.deploy.provision.wizard import CLOUDFLARE, DEFAULTS, Answers, Ask, Wizard
from freehold.hosts.target import parse_hop
from freehold.providers.dns import SslMode
from freehold.providers.origin_request import checked_hostname

_MESSAGES = {
    Ask.PROVIDER: "Whose server?",
    Ask.PLAN: "How large?",
    Ask.REGION: "Where?",
    Ask.IMAGE: "Which system?",
    Ask.SSH_KEY: "Which SSH key lets you in?",
    Ask.HOST: "Its address, name, or alias of ~/.ssh/config:",
    Ask.USER: "Who logs in?",
    Ask.PORT: "The port of SSH:",
    Ask.KEY: "A private key, if no other is to be used:",
    Ask.SIGNER: "HTTPS?",
    Ask.ZONE: "In which zone is its name?",
    Ask.HTTPS: "Its public name:",
    Ask.CERT: "The file of the certificate, with its chain:",
    Ask.KEY_FILE: "The file of the certificate's key:",
}


async def ask_all(wizard: Wizard, shop: Shop) -> Wizard:
    """All that is open. Raises INTERRUPTED for who goes back from the first one, `KeyboardInterrupt` for Ctrl-C."""
    while (ask := wizard.next) is not None:
        try:
            facts = await shop.visit(ask, wizard.answers)
        except BackError:
            wizard = _before(wizard)
            continue
        settled = _settled(ask, wizard.answers, facts)
        if settled is not None:
            wizard = wizard.answer(ask, settled, settled=True)
            continue
        answer = await _put(ask, wizard.answers, facts)
        wizard = _before(wizard) if answer is BACK else wizard.answer(ask, str(answer))
    return wizard


def _before(wizard: Wizard) -> Wizard:
    """Raises `BackError` where nothing was asked before."""
    if (before := wizard.back()) is None:
        raise BackError
    return before


def _settled(ask: Ask, answers: Answers, facts: Facts) -> str | None:
    """The answer to a question that has only one."""
    if ask is Ask.SSL_MODE and facts.ssl_mode is SslMode.STRICT:
        return "leave"
    offered = choices(ask, answers, facts)
    if offered == []:
        raise FreeholdError(
            Code.NOT_FOUND, f"there is nothing to choose from: {_MESSAGES[ask]}", f"{ask.flag} names it."
        )
    return offered[0].value if offered and len(offered) == 1 and ask is not Ask.ZONE else None


async def _put(ask: Ask, answers: Answers, facts: Facts) -> Answer:
    if ask is Ask.SSL_MODE:
        note(f"The zone's SSL mode is {facts.ssl_mode}: Cloudflare does not check the server's certificate.")
        return await choose("Have it checked?", choices(ask, answers, facts) or [])
    offered: list[Choice] | None = choices(ask, answers, facts)
    if offered is not None:
        return await choose(_MESSAGES[ask], offered)
    answer = await line(_MESSAGES[ask], DEFAULTS.get(ask, ""), lambda text: _problem(ask, answers, text))
    if answer is BACK:
        return answer
    return _whole(ask, answers, str(answer))


def _whole(ask: Ask, answers: Answers, text: str) -> str:
    """`app` in the zone `example.com` is `app.example.com`; files are named so that they are found from elsewhere."""
    zone = answers.get(Ask.ZONE, "")
    if ask is Ask.HTTPS and zone and answers.get(Ask.SIGNER) == CLOUDFLARE:
        return text if text == zone or text.endswith(f".{zone}") else f"{text}.{zone}"
    if ask in (Ask.KEY, Ask.CERT, Ask.KEY_FILE) and text:
        return str(Path(text).expanduser().absolute())
    return text


def _problem(ask: Ask, answers: Answers, text: str) -> str:
    """Why `text` is no answer; empty when it is one."""
    checks: dict[Ask, Callable[[], object]] = {
        Ask.HOST: lambda: parse_hop(text),
        Ask.HTTPS: lambda: checked_hostname(_whole(ask, answers, text)),
    }
    if ask is Ask.PORT and not (text.isdigit() and 1 <= int(text) <= 65535):
        return "a port is 1 to 65535"
    if ask in (Ask.CERT, Ask.KEY_FILE) and not Path(text).expanduser().is_file():
        return "there is no such file"
    if ask is Ask.KEY and text and not Path(text).expanduser().is_file():
        return "there is no such file"
    try:
        checks.get(ask, lambda: None)()
    except (ValueError, FreeholdError) as error:
        return str(error)
    return ""
