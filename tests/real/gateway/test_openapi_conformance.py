"""The service does what its OpenAPI document says: schemathesis makes requests from it, right ones and wrong ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.running_service import RunningService

pytestmark = pytest.mark.docker

PROGRAM = Path(sys.executable).with_name("schemathesis")
LEFT_OUT = "/stop$|/events$"
"""One ends the service; the others are streams, which go on for longer than a test waits."""


def test_the_service_keeps_to_its_document(here: Installation, service: RunningService) -> None:
    here.agent(script="true\n", schedule="0 0 1 1 *", scale=0)
    service.start()
    # Wrong keys are slowed (429), which the check `ignored_auth` does not expect; they are tested elsewhere.
    command = [
        str(PROGRAM), "run", f"{service.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {service.key}",
        "--exclude-path-regex", LEFT_OUT, "--exclude-checks", "ignored_auth", "--phases", "coverage,fuzzing",
        "--max-examples", "10", "--seed", "1", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, cwd=here.project.parent)
    assert done.returncode == 0, done.stdout[-8000:]
    assert "Traceback" not in service.log.read_text()
