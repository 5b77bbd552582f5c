"""What a sandbox's image is made of, and its name, which tells a recipe from every other one (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).parent / "image"
REPOSITORY = "freehold-sandbox"
IMAGE_LABEL = "dev.freehold.sandbox.image"


class Suite(StrEnum):
    """A release of Debian, by its name; `version` is its number."""

    BOOKWORM = "bookworm"
    TRIXIE = "trixie"

    @property
    def version(self) -> str:
        return _VERSIONS[self]

    @property
    def from_registry(self) -> str:
        """The image to build on, as registries have it."""
        return f"debian:{self.version}-slim"

    @property
    def from_here(self) -> str:
        """The image to build on, as it is made where no registry can be reached."""
        return f"freehold-debian:{self.version}"

    @property
    def packages(self) -> str:
        """Docker; Debian 13 took the client out of `docker.io`."""
        return "docker.io docker-cli" if self is Suite.TRIXIE else "docker.io"


_VERSIONS = {Suite.BOOKWORM: "12", Suite.TRIXIE: "13"}
SUITES = {version: suite for suite, version in _VERSIONS.items()}
"""By number."""


class Form(StrEnum):
    """The stages of the Dockerfile: `plain` is for `env prov` to prepare, `ready` can be pushed to."""

    PLAIN = "plain"
    READY = "ready"


@dataclass(frozen=True)
class Recipe:
    """`certificates` are those of this machine that Debian does not know: file names and contents."""

    suite: Suite
    form: Form
    certificates: Mapping[str, bytes]

    @property
    def dockerfile(self) -> str:
        return (FOLDER / "Dockerfile").read_text("utf-8")

    @property
    def files(self) -> dict[str, bytes]:
        """What the Dockerfile copies. Docker copies no empty folder that it was not sent."""
        files = {f"ca/{name}": content for name, content in self.certificates.items()}
        note = b"Certificate authorities of the machine that built this image, if it has its own.\n"
        return {**files, "ca/README": note, "boot": (FOLDER / "boot").read_bytes()}

    @property
    def name(self) -> str:
        """`freehold-sandbox:bookworm-<12 hex digits>`. Not a matter of where the Debian under it comes from."""
        parts = [self.suite.encode(), self.form.encode(), self.suite.packages.encode(), self.dockerfile.encode()]
        parts += [part for path, content in sorted(self.files.items()) for part in (path.encode(), content)]
        digest = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()
        return f"{REPOSITORY}:{self.suite}-{digest[:12]}"

    @property
    def labels(self) -> dict[str, str]:
        return {IMAGE_LABEL: f"{self.suite}-{self.form}"}

    def arguments(self, debian: str) -> dict[str, str]:
        """The build arguments, on the image `debian`."""
        packages = {"PACKAGES": self.suite.packages} if self.form is Form.READY else {}
        return {"FROM": debian, **packages}
