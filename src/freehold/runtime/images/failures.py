"""A build that failed, told to the person whose image it was. Pure."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.containers.build_output import BuildFailure
from freehold.project.dockerfiles.syntax import parse
from freehold.runtime.images.debian import cannot_pull
from freehold.runtime.images.layers import Kind, Layer

_SHOWN_LINES = 40
_FRONTEND = "docker/dockerfile"

_HINTS = {
    Kind.BASE: (
        "The base image needs deb.debian.org, registry.npmjs.org and pypi.org; check that this machine reaches them, "
        "and run it again: freehold image build"
    ),
    Kind.HARNESS: "It needs registry.npmjs.org; check that this machine reaches it, and run it again.",
    Kind.PROJECT: (
        "Check that the project's Dockerfile starts with FROM freehold-agent:latest and that any apt-get packages are "
        "spelled correctly. The base image is Debian 13."
    ),
    Kind.AGENT: (
        "Check that your agent's Dockerfile starts with FROM freehold-agent:latest (the build rewrites this to the "
        "correct base) and that any package install commands are correct: apt-get, under USER root."
    ),
}
"""What to do about each (`docs/troubleshooting.md`, "Images")."""


def told(layer: Layer, failure: BuildFailure) -> FreeholdError:
    """The error for `failure` while `layer` was built: whose image, which step, its last lines, what to do."""
    if failure.missing_image and layer.kind is Kind.BASE:
        return cannot_pull(failure.missing_image, failure.error)
    whose = f"The image of {layer.owner}" if layer.kind in (Kind.AGENT, Kind.HARNESS) else layer.owner.capitalize()
    place = f" ({layer.where})" if layer.where else ""
    step = f" at step {failure.step}" if failure.step else ""
    lines = [f"{whose}{place} could not be built{step}"]
    if len(failure.output) > _SHOWN_LINES:
        lines.append(f"  … (the last {_SHOWN_LINES} lines of what it wrote)")
    lines += [f"  {line}" for line in failure.output[-_SHOWN_LINES:]]
    lines.append(f"  {failure.error or 'the build ended without saying why'}")
    return FreeholdError(Code.IMAGE, "\n".join(lines), _hint(layer, failure))


def _hint(layer: Layer, failure: BuildFailure) -> str:
    if failure.missing_image.startswith(_FRONTEND):
        return f"{layer.where} asks for {failure.missing_image} in its first line (# syntax=…): remove that line."
    if failure.missing_image:
        return (
            f"{layer.where} names {failure.missing_image}, which is not on this machine and cannot be pulled. Bring it "
            "with docker load or docker import, or install what you need from it with apt-get, pip or npm."
        )
    # Docker takes the lines of one for instructions when it is too old, and says nothing that helps.
    if not failure.step and layer.where and any(each.heredocs for each in parse(layer.dockerfile).instructions):
        return "Here-documents (<<EOF) need Docker 23 or newer; older ones do the same with &&."
    if layer.where and _is_copy_from_the_folder(failure.step):
        folder = layer.where.rpartition("/")[0]
        return (
            f"COPY reads {f'{folder}/' if folder else 'the folder of the project'} alone, less .git, .env*, .freehold "
            "and what .freeholdignore lists: put the file beside the Dockerfile."
        )
    return _HINTS[layer.kind]


def _is_copy_from_the_folder(step: str) -> bool:
    words = step.partition(": ")[2].split()
    return words[:1] in (["COPY"], ["ADD"]) and not any(word.startswith("--from=") for word in words)
