"""What every shell of a run reads first, so that `setenv` lasts from one call to the next."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from freehold.runner.environment import Scene

ENVIRONMENT_FILE = "environment.json"
ALIASES = (
    "al-status", "al-rerun", "al-return", "al-exit", "al-shutdown", "al-subagent", "al-subagent-check",
    "al-subagent-wait", "rlock", "runlock", "rlock-heartbeat", "setenv",
)  # fmt: skip


def write_shell_setup(scene: Scene) -> None:
    """`setup.sh` and an empty `env.sh` in the run's private directory."""
    scene.env_file.touch(mode=0o600)
    scene.shell_setup.write_text(shell_setup(scene), encoding="utf-8")


def shell_setup(scene: Scene) -> str:
    """POSIX sh. A login shell has reset PATH by the time it reads this, hence the first line."""
    bin_dir, env_file = shlex.quote(str(scene.bin_dir)), shlex.quote(str(scene.env_file))
    return f"""case ":$PATH:" in *:{bin_dir}:*) ;; *) PATH={bin_dir}:$PATH; export PATH ;; esac
setenv() {{ {bin_dir}/fh setenv "$@" || return; . {env_file}; }}
if [ -f {env_file} ]; then . {env_file}; fi
"""


def with_setup(scene: Scene, command: str) -> list[str]:
    """The argv that runs `command` in sh with the set-up read: sh itself reads none when no person is there."""
    return ["/bin/sh", "-c", f". {shlex.quote(str(scene.shell_setup))}; {command}"]


def keep_environment(scene: Scene, env: Mapping[str, str]) -> None:
    """What `fh shell` reads: somebody who looks into a run is to see what the agent sees."""
    handle = os.open(scene.state_dir / ENVIRONMENT_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(dict(env), file)


def write_programs(directory: Path) -> Path:
    """`fh` and its aliases for a run without an image, which has no /app/bin; the directory."""
    directory.mkdir(exist_ok=True)
    program = directory / "fh"
    source = Path(__file__).resolve().parents[2]
    program.write_text(
        f"#!{sys.executable} -IS\n"
        f"import sys\n\nsys.path.insert(0, {str(source)!r})\n\n"
        "from freehold.runner.fh import main\n\nsys.exit(main())\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    for alias in ALIASES:
        link = directory / alias
        link.unlink(missing_ok=True)
        link.symlink_to("fh")
    return directory
