"""An outbox that sends what is written, and dies beside a sending; or goes on until nothing is left.

`mortal_outbox.py DATABASE URL [--die before|after]`: `before` the other side gets the first one, or `after` it took it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal

from freehold.base.clock import SystemClock
from freehold.base.secret import Secret
from freehold.notices.links import Links
from freehold.notices.message import Message
from freehold.notices.outbox import Outbox
from freehold.notices.sender import ChannelSender
from freehold.project.credential import CredentialRef
from freehold.project.notices import Channel, ChannelType
from freehold.store import notices
from freehold.store.credentials import MemoryCredentialStore
from freehold.store.database import Database
from tests.support.notices import channel


class MortalSender(ChannelSender):
    die = ""

    async def send(self, channel: Channel, message: Message) -> None:
        if self.die == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await super().send(channel, message)
        if self.die == "after":
            os.kill(os.getpid(), signal.SIGKILL)


async def work(url: str, to: str, die: str) -> None:
    store = MemoryCredentialStore()
    store.put(CredentialRef("notice_webhook_secret"), {"secret": Secret("a secret of some length")})
    sender = MortalSender(store, SystemClock())
    sender.die = die
    team = channel(ChannelType.WEBHOOK, to, opened_by="notice_webhook_secret.secret")
    database = Database(url)
    outbox = Outbox(database, SystemClock(), sender, lambda: ("shop", {"team": team}, Links("", b"k" * 32)))
    sending = asyncio.create_task(outbox.run())
    while any(one.sent_at is None for one in await database.read(notices.page)):
        await asyncio.sleep(0.01)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("url")
    parser.add_argument("--die", default="")
    given = parser.parse_args()
    asyncio.run(work(given.database, given.url, given.die))
