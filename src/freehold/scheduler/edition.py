"""What the scheduler goes by: the newest version of each part of a project that was sound."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from freehold.base.errors import FreeholdError
from freehold.project.agent import Agent
from freehold.project.load import AGENTS_DIRECTORY, Project, load_project
from freehold.project.problems import Problem, Problems
from freehold.runtime.revision import Manifest
from freehold.runtime.revision_scan import Live, Scanner
from freehold.runtime.revisions import Chosen, Revisions


@dataclass(frozen=True)
class Edition:
    """`chosen` is the revision that `project` was read from, and those that single agents still go by.

    `error` says what is wrong with a later edit of the project's own files, `errors` with one of an agent. `release` is
    the one that was looked at last, on a server: with errors, not all of it is at work.
    """

    project: Project
    chosen: Chosen | None = None
    manifest: Manifest = field(default_factory=Manifest)
    error: FreeholdError | None = None
    errors: Mapping[str, FreeholdError] = field(default_factory=dict)
    release: str = ""

    def revision_of(self, agent: str) -> str:
        """The revision that a run of the agent is begun from; empty: the files as they are."""
        return self.chosen.of_agent(agent) if self.chosen else ""

    @property
    def refused(self) -> list[str]:
        """What of the files that were looked at last is not at work, and why."""
        broken = {name: found.as_error() for name, found in self.project.broken.items()}
        agents = {**broken, **self.errors}
        own = [self.error.message] if self.error else []
        return [*own, *(f"agent {name}: {error.message}" for name, error in sorted(agents.items()))]

    def with_error(self, error: FreeholdError) -> Edition:
        return replace(self, error=error)


@dataclass(frozen=True)
class Attempt:
    """A manifest, and what a project in these files is: `project`, or the error of its own files."""

    manifest: Manifest
    project: Project | None = None
    error: FreeholdError | None = None

    @property
    def broken(self) -> Mapping[str, Problems]:
        return self.project.broken if self.project else {}


def fall_back(attempt: Attempt, live: Live, earlier: Edition | None) -> Manifest:
    """What to try next, when `attempt` has parts that are not sound: those parts as they were before. The manifest of
    `attempt` itself when nothing can be put right. Pure.
    """
    if earlier is None:
        return attempt.manifest
    before = earlier.manifest
    unreadable = {name for name in live.errors if name}
    agents = {*attempt.broken, *unreadable} if live.agents_known else before.agents
    sound_before = {name for name in agents if name in earlier.project.agents}
    project = attempt.error is not None or "" in live.errors
    return attempt.manifest.with_earlier(before, sound_before & before.agents, project=project)


def holdovers(attempt: Attempt, earlier: Edition | None) -> dict[str, str]:
    """Agents that are not sound with the project's files as they are now, and were with earlier ones: where."""
    if earlier is None or earlier.chosen is None:
        return {}
    return {name: earlier.revision_of(name) for name in attempt.broken if name in earlier.project.agents}


class Composer:
    """Makes editions of one project. Everything here reads and writes files: it is done in a thread."""

    def __init__(self, root: Path, home: Path, environment: str, revisions: Revisions) -> None:
        self._root = root
        self._home = home
        self._environment = environment
        self._revisions = revisions
        self._scanner = Scanner(root, home, environment)
        self._loaded: dict[str, Project] = {}
        self._live: Manifest | None = None
        self._made: Edition | None = None

    def restore(self) -> Edition | None:
        """The edition that was chosen last; None when there is none, or it cannot be read (any more)."""
        chosen = self._revisions.current()
        if chosen is None:
            return None
        try:
            manifest = self._revisions.manifest(chosen.revision)
            project = self._load(chosen.revision, self._revisions.path_of(chosen.revision))
        except FreeholdError:
            return None
        return self._edition(Attempt(manifest, project), chosen)

    def prune(self, keep: Collection[str]) -> None:
        """Remove revisions but these and the one that counts; what cannot be removed is left."""
        self._revisions.prune(keep)

    def compose(self, earlier: Edition | None, now_ns: int) -> Edition:
        """The edition that follows `earlier`, from the files as they are; `earlier` itself when nothing changed.

        Raises what is wrong with the project's own files when there is no earlier edition; DISK when it cannot be kept.
        """
        known = sorted(earlier.chosen.all) if earlier and earlier.chosen else []
        with self._revisions.scanned(self._scanner, known, now_ns) as live:
            if earlier and earlier is self._made and live.manifest == self._live and self._is_kept(earlier):
                self._made = earlier if live.release == earlier.release else replace(earlier, release=live.release)
                return self._made
            if earlier is None and "" in live.errors:
                raise live.errors[""]
            self._made = self._compose(live, earlier, known)
            self._live = live.manifest if not live.errors else None  # what could not be read is looked at again
            return self._made

    def _is_kept(self, edition: Edition) -> bool:
        return self._revisions.current() == edition.chosen

    def _compose(self, live: Live, earlier: Edition | None, known: Sequence[str]) -> Edition:
        tried: dict[str, Manifest] = {}
        problems: dict[str, Problems] = {}
        error = live.errors.get("")
        manifest = fall_back(Attempt(live.manifest), live, earlier)
        try:
            while manifest.name not in tried:
                tried[manifest.name] = manifest
                attempt = self._attempt(manifest, live, known)
                error = error or attempt.error
                problems = {**attempt.broken, **problems}  # the first time, it was in the files as they are
                manifest = fall_back(attempt, live, earlier)
            if attempt.error:
                raise error or attempt.error
            self._revisions.complete(attempt.manifest)
        finally:
            for one in tried.values():
                self._revisions.drop(one)
        chosen = Chosen(attempt.manifest.name, holdovers(attempt, earlier))
        edition = self._edition(attempt, chosen, earlier)
        self._revisions.choose(chosen)
        errors = {**{name: found.as_error() for name, found in problems.items()}, **live.errors}
        errors.pop("", None)
        return replace(edition, error=error, errors=errors, release=live.release)

    def _attempt(self, manifest: Manifest, live: Live, known: Sequence[str]) -> Attempt:
        path = self._revisions.write(manifest, live, known)
        try:
            project = self._load(manifest.name, path)
        except FreeholdError as error:
            return Attempt(manifest, error=error)
        return Attempt(manifest, _with_unreadable(project, live.errors))

    def _load(self, revision: str, path: Path) -> Project:
        """The latest two are remembered: the files as they are, and what is sound of them."""
        if revision not in self._loaded:
            loaded = load_project(self._root, home=self._home, environment=self._environment, revision=path)
            self._loaded = {**dict(list(self._loaded.items())[-1:]), revision: loaded}
        return self._loaded[revision]

    def _edition(self, attempt: Attempt, chosen: Chosen, earlier: Edition | None = None) -> Edition:
        """With the agents that go on with an earlier revision in the place of those that are broken."""
        assert attempt.project is not None
        held: dict[str, Agent] = {}
        for name, revision in chosen.holdovers.items():
            agent = self._held(name, revision, earlier)
            if agent:
                held[name] = agent
        agents = {**attempt.project.agents, **held}
        broken = {name: found for name, found in attempt.project.broken.items() if name not in held}
        project = replace(attempt.project, agents=agents, broken=broken)
        errors = {name: attempt.project.broken[name].as_error() for name in held if name in attempt.project.broken}
        return Edition(project, chosen, attempt.manifest, errors=errors)

    def _held(self, name: str, revision: str, earlier: Edition | None) -> Agent | None:
        if earlier and earlier.chosen and earlier.revision_of(name) == revision and name in earlier.project.agents:
            return earlier.project.agents[name]
        try:
            return self._load(revision, self._revisions.path_of(revision)).agents.get(name)
        except FreeholdError:
            return None


def _with_unreadable(project: Project, errors: Mapping[str, FreeholdError]) -> Project:
    """Agents whose folder cannot be read are in no revision; they are broken all the same."""
    broken = dict(project.broken)
    for name, error in errors.items():
        if name and name not in project.agents and name not in broken:
            broken[name] = Problems(errors=[Problem(f"{AGENTS_DIRECTORY}/{name}", "", error.message)])
    return replace(project, broken=broken)
