"""The repository that the demo works on: found, copied for the agent, and given the agent's commit at the end."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import freehold
from freehold.base.errors import Code, FreeholdError

_DEPTH = 200
"""Commits that are copied: enough history for release notes, small enough for any repository."""
BRANCH = "release-notes"
NOTES = "RELEASE_NOTES.md"
_VERBS = ("clone", "checkout", "am", "rev-parse")
_NO_HOOKS = (
    "-c", "core.hooksPath=/dev/null", "-c", "user.name=freehold demo", "-c", "user.email=demo@freehold.invalid",
)  # fmt: skip


def find_repository(asked: str, here: Path) -> str:
    """What to clone: `asked`, else the repository around `here`, else Freehold's own checkout. Raises USAGE."""
    if asked:
        return _as_url(Path(asked)) if Path(asked).exists() else asked
    for candidate in (here, Path(freehold.__file__).parent):
        top = _git("-C", str(candidate), "rev-parse", "--show-toplevel", check=False).strip()
        if top and _git("-C", top, "rev-parse", "--verify", "--quiet", "HEAD", check=False):
            return _as_url(Path(top))
    raise FreeholdError(Code.USAGE, f"{here} is in no git repository with commits", "Name one: --repo URL|PATH")


def fetch_repository(source: str, project: Path) -> Path:
    """Clone `source` to `<project>/repository`, and pack it as `shared/repository.tar` for the agent; the clone's path.

    What an earlier demo left there is replaced. Raises FAILED with git's words, USAGE when there is no commit in it.
    """
    clone = project / "repository"
    if clone.exists():
        shutil.rmtree(clone)
    _git("clone", "--quiet", f"--depth={_DEPTH}", "--no-hardlinks", "--", source, str(clone))
    if not _git("-C", str(clone), "rev-parse", "--verify", "--quiet", "HEAD", check=False):
        raise FreeholdError(
            Code.USAGE, f"{source} has no commits yet, so there is nothing to write about",
            "Name another repository with --repo.",
        )  # fmt: skip
    shared = project / "shared"
    shared.mkdir(exist_ok=True)
    with tarfile.open(shared / "repository.tar", "w") as archive:
        archive.add(clone / ".git", ".git", filter=_nobodys)
    return clone


def apply_patch(clone: Path, patch: str) -> Path:
    """Commit the agent's patch on the branch `release-notes` of the clone; the path of the notes in its work tree.

    The patch comes from inside a container: git's own checks keep it within the work tree, and no hook is run.
    """
    _git("-C", str(clone), "checkout", "--quiet", "-B", BRANCH)
    _git("-C", str(clone), *_NO_HOOKS, "am", "--quiet", "-", stdin=patch)
    notes = clone / NOTES
    if not notes.is_file() or notes.is_symlink():
        raise FreeholdError(Code.FAILED, f"the agent's commit holds no {NOTES}", "freehold logs shows what it did.")
    return notes


def _as_url(path: Path) -> str:
    # A path would be cloned by copying all of it; a URL takes the last commits alone.
    return path.resolve().as_uri()


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _git(*arguments: str, check: bool = True, stdin: str = "") -> str:
    try:
        answer = subprocess.run(
            ["git", *arguments], check=False, input=stdin, capture_output=True, text=True, errors="replace"
        )
    except FileNotFoundError as error:
        raise FreeholdError(Code.FAILED, "git is not installed", "apt-get install git") from error
    if check and answer.returncode:
        verb = next(word for word in arguments if word in _VERBS)
        words = answer.stderr.strip() or f"exit code {answer.returncode}"
        raise FreeholdError(Code.FAILED, f"git could not {verb}: {words}", "Name another repository with --repo.")
    return answer.stdout
