"""On the server: what is there of projects, and taking one of them away. Everything may be done twice."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused

_UNIT = re.compile(r"freehold(?:-keeper)?@([a-z0-9-]+)\.(?:service|socket)")
_COMMENT = re.compile(r"freehold project ([a-z0-9-]+)")
_PATIENCE_S = 120
_OF_RUNS = ("dev.freehold.run", "dev.freehold.helper-of")
"""`runtime/container_names.py`."""


def main(document: dict[str, Any]) -> Any:
    os.umask(0o077)
    if document["do"] == "look":
        return look(document)
    if document["do"] == "stop":
        return {"failed": [why for project in document["projects"] for why in stop(project)]}
    if document["do"] == "remove":
        return {"failed": [why for project in document["projects"] for why in remove(project, document)]}
    raise Refused("usage", f"removal: {document['do']} is nothing to do")


def look(document: dict[str, Any]) -> dict[str, Any]:
    """Every project of which anything is there, with all of it. `stays` is what Freehold has put on the server for all
    projects, and what is still there of that."""
    found: dict[str, list[str]] = {}
    for name, what in [*_folders(document), *_units(), *_edge(document), *_users(), *_in_docker(document)]:
        found.setdefault(name, []).append(what)
    return {
        "projects": {name: sorted(set(things)) for name, things in sorted(found.items())},
        "stays": [path for path in document["shared"] if os.path.lexists(path)],
    }


def _folders(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (path.name, str(path))
        for base in (document["base"], document["state"])
        for path in sorted(Path(base).glob("*/"))
        if path.name not in document["not_projects"] and re.fullmatch(r"[a-z0-9-]+", path.name)
        if is_ours(path, document)
    ]


def is_ours(folder: Path, document: dict[str, Any]) -> bool:
    """Where somebody chose another base than ours, other things may lie beside our projects."""
    if not document["others_beside"] or folder.parent != Path(document["base"]):
        return True
    if any((folder / name).is_file() for name in ("push.lease", "started.json")):
        return True
    return any(folder.glob("releases/*/.freehold/release.json"))


def _units() -> list[tuple[str, str]]:
    """Loaded ones as well as files: one whose file is gone may run on."""
    listed = said("systemctl", "list-units", "--all", "--plain", "--no-legend", "freehold@*", "freehold-keeper@*")
    names = {line.split()[0] for line in listed.splitlines() if line.split()}
    names |= {path.name for path in Path("/etc/systemd/system").glob("freehold*@*")}
    return [(match[1], f"unit {name}") for name in names if (match := _UNIT.fullmatch(name))]


def _edge(document: dict[str, Any]) -> list[tuple[str, str]]:
    files = [*Path(document["fragments"]).glob("*.json"), *Path(document["certificates"]).glob("*.pem")]
    files += Path(document["certificates"]).glob("*.key")
    return [(path.stem, str(path)) for path in files]


def _users() -> list[tuple[str, str]]:
    return [(match[1], f"user {one.pw_name}") for one in pwd.getpwall() if (match := _COMMENT.fullmatch(one.pw_gecos))]


def _in_docker(document: dict[str, Any]) -> list[tuple[str, str]]:
    label = document["label"]
    found = [(project, f"container {name}") for name, project in runs(label)]
    for noun, words, name in _DOCKER:
        form = f"{{{{{name}}}}}\t{{{{.Label {json.dumps(label)}}}}}"
        for line in said("docker", *words, "--filter", f"label={label}", "--format", form).splitlines():
            thing, _, project = line.rpartition("\t")
            if re.fullmatch(r"[a-z0-9-]+", project):
                found.append((project, f"{noun} {thing}"))
    return found + [(project, f"image {tag}") for project, tag in images(label) if project]


_DOCKER = (
    ("volume", ("volume", "ls"), ".Name"),
    ("network", ("network", "ls"), ".Name"),
)


def runs(label: str) -> list[tuple[str, str]]:
    """Containers of runs, each with its project; `label` is as Docker filters by it. One that somebody made from an
    image of ours has the project's label as well, since containers have those of their image: it is theirs."""
    labels = (label.partition("=")[0], *_OF_RUNS)
    form = "\t".join(("{{.Names}}", *(f"{{{{.Label {json.dumps(one)}}}}}" for one in labels)))
    lines = said("docker", "ps", "--all", "--filter", f"label={label}", "--format", form).splitlines()
    told = [line.split("\t") for line in lines]
    return [(name, project) for name, project, *marks in told if any(marks) and re.fullmatch(r"[a-z0-9-]+", project)]


def images(label: str) -> list[tuple[str, str]]:
    """What the label says of each image, and the image's name. One that somebody made on top of ours has the label as
    well, and not our name: it is theirs."""
    ids = said("docker", "image", "ls", "--all", "--quiet", "--filter", f"label={label}").split()
    form = f"{{{{json .RepoTags}}}}\t{{{{index .Config.Labels {json.dumps(label)}}}}}"
    lines = said("docker", "image", "inspect", "--format", form, *dict.fromkeys(ids)).splitlines() if ids else []
    pairs = [(value, tag) for line in lines for tags, value in [line.split("\t")] for tag in json.loads(tags) or []]
    return [(value, tag) for value, tag in pairs if tag.startswith("freehold-")]


def stop(project: dict[str, Any]) -> list[str]:
    """End its units, so that nothing begins any more, and then its runs."""
    failed = []
    units = [unit for unit in project["units"] if _is_known(unit)]
    if units:
        failed += done("systemctl", "disable", "--now", "--quiet", *units)
    for container, _ in runs(project["label"]):
        failed += done("docker", "rm", "--force", "--volumes", container)
    return failed


def remove(project: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Secrets first: whatever stops us after that, no key of anybody's is left."""
    failed = []
    for path in map(Path, (*project["secrets"], *project["folders"])):
        failed += tree_gone(path) if is_ours(path, document) else []
    for path in [*project["files"], *(f"/etc/systemd/system/{unit}" for unit in project["units"])]:
        failed += file_gone(Path(path))
    if project["units"]:
        failed += done("systemctl", "daemon-reload")
        said("systemctl", "reset-failed", *project["units"])
    failed += _out_of_docker(project, document)
    for user in project["users"]:
        failed += user_gone(user, project["comment"])
    for group in project["groups"]:
        if said("getent", "group", group) and not said("getent", "passwd", group):
            failed += done("groupdel", group)
    failed += programs_gone(document)
    if not look(document)["projects"]:
        for _, tag in images(document["kind_label"]):
            failed += done("docker", "image", "rm", tag)
    return failed


def _out_of_docker(project: dict[str, Any], document: dict[str, Any]) -> list[str]:
    failed = []
    for noun in ("volume", "network"):
        for one in said("docker", noun, "ls", "--quiet", "--filter", f"label={project['label']}").split():
            failed += done("docker", noun, "rm", one)
    for name, tag in images(document["label"]):
        if name == project["name"]:
            failed += done("docker", "image", "rm", tag)
    return failed


def user_gone(name: str, comment: str) -> list[str]:
    """A user of that name who is somebody else's stays."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return []
    if found.pw_gecos != comment:
        return []
    # Not what runs in containers: users there may have the same number.
    here = ("--ns", str(os.getpid()), "--nslist", "pid")
    subprocess.run(("pkill", "-KILL", *here, "-u", name), check=False, capture_output=True)
    return done("userdel", "--force", name)


def programs_gone(document: dict[str, Any]) -> list[str]:
    """Programs that no project links to, and none can go back to; and the folders themselves with the last of them."""
    base = Path(document["base"])
    programs = base / document["programs"]
    used = {os.path.realpath(link) for link in base.glob("*/program")} | _named_by_releases(base, programs)
    failed = [
        why
        for path in programs.glob("*")
        if os.path.realpath(path) not in used and not any(one.startswith(f"{path}/") for one in used)
        if not document["others_beside"] or path.name.startswith(".") or (path / "program.json").is_file()
        for why in tree_gone(path)
    ]
    for path in (programs, base, Path(document["fragments"]), Path(document["certificates"]), Path(document["state"])):
        try:
            path.rmdir()
        except OSError:  # somebody else's things are in it, or it is not there
            continue
    return failed


def _named_by_releases(base: Path, programs: Path) -> set[str]:
    found = set()
    for record in base.glob("*/releases/*/.freehold/release.json"):
        try:
            found.add(os.path.realpath(programs / json.loads(record.read_bytes())["program"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a release that nobody can go back to
    return found


def tree_gone(path: Path) -> list[str]:
    if path.is_symlink() or path.is_file():
        return file_gone(path)
    for line in Path("/proc/mounts").read_text().splitlines():
        place = line.split()[1]
        if place.startswith(f"{path}/"):
            subprocess.run(("umount", "--lazy", place), check=False, capture_output=True)
    failed: list[str] = []
    if path.exists():
        shutil.rmtree(path, onerror=lambda _, name, error: failed.append(f"{name}: {error[1]}"))
    return failed[:3]


def file_gone(path: Path) -> list[str]:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    return []


def _is_known(unit: str) -> bool:
    return "not-found" not in said("systemctl", "show", "--property=LoadState", "--value", unit)


def said(*words: str) -> str:
    """What a program says; nothing where it fails, or is not there."""
    try:
        told = subprocess.run(words, check=False, capture_output=True, timeout=_PATIENCE_S)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.decode("utf-8", "replace").strip() if told.returncode == 0 else ""


def done(*words: str) -> list[str]:
    """Why it failed; nothing when it did not."""
    try:
        told = subprocess.run(words, check=False, capture_output=True, timeout=_PATIENCE_S)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return [f"{words[0]} {words[1]}: {type(error).__name__}"]
    if told.returncode == 0:
        return []
    lines = told.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {told.returncode}"]
    return [f"{words[0]} {words[1]}: {lines[-1]}"]
