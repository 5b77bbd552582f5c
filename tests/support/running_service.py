"""A project's service as a process, as `freehold start` starts it, asked over HTTP."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx2

from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from tests.support.installation import PATIENCE_S, Installation, until
from tests.support.program import PROGRAM

HUB = '\n[webhooks.hub]\ntype = "github"\n'
SECRET = Secret("the secret of the hub")
_STARTED = re.compile(r'"msg": "started".*"port": (\d+)')


class RunningService:
    """`start` once it answers everything; its port is any free one. Whoever makes one calls `end`."""

    def __init__(self, here: Installation) -> None:
        self.here = here
        self.log = here.project.parent / "service.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        store = FileCredentialStore(here.home)
        store.put(CredentialRef("github_webhook_secret", "default"), {"secret": SECRET})

    def start(self, *words: str, wait: bool = True, **options: Any) -> None:
        command = [str(PROGRAM), "-p", str(self.here.project), "start", "--headless", "--port", "0", *words]
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.here.environment, stdout=log, stderr=log, **options)
        if wait:
            until(lambda: self._found_port(before))

    def _found_port(self, since: int) -> bool:
        assert self.process is not None
        text = self.log.read_bytes()[since:].decode()
        assert self.process.poll() is None, text[-3000:]
        found = _STARTED.search(text)
        self.port = int(found[1]) if found else 0
        return found is not None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        return (self.here.home / "credentials/gateway_api_key/default/key").read_text().strip()

    def ask(self, method: str, path: str, body: object = None, **options: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        data = options.pop("content", None) if body is None else json.dumps(body).encode()
        with httpx2.Client(timeout=PATIENCE_S, trust_env=False) as client:
            return client.request(method, self.url + path, content=data, headers=headers, **options)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        """As systemd does; the exit code."""
        return self._signal(signal.SIGTERM)

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.kill()

    def _signal(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    @property
    def database(self) -> Path:
        return self.here.state / "state.db"
