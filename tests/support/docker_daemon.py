"""A Docker engine of a test's own, to be stopped and killed: the machine's own one belongs to everybody."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.support.installation import until

START_DEADLINE_S = 60.0


class Daemon:
    """`dockerd` with its data in `folder`, in a network namespace of its own: told to do without a bridge, which runs
    do not need, it would remove the bridge of the machine's own engine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = (
            "--data-root", f"{self._folder}/data", "--exec-root", f"{self._folder}/exec", "--host", self.address,
            "--pidfile", f"{self._folder}/pid", "--bridge", "none", "--iptables=false", "--ip-forward=false",
            "--ip-masq=false",
        )  # fmt: skip
        # What it left when it was killed would keep it from starting where a dead process is not reaped.
        for left in ("pid", "exec/containerd/containerd.pid"):
            (self._folder / left).unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--net", "dockerd", *options], stdout=log, stderr=log, start_new_session=True
            )
        until(self._answers, START_DEADLINE_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it, and let go of whatever it mounted."""
        self.stop()
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{self._folder}/")]):
            subprocess.run(["umount", "--lazy", mount], check=True)

    def docker(self, *words: str) -> str:
        done = subprocess.run(["docker", "--host", self.address, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def load(self, image: str) -> None:
        """Bring an image over from the machine's own engine."""
        saved = subprocess.Popen(["docker", "save", image, "freehold-agent:latest"], stdout=subprocess.PIPE)
        subprocess.run(["docker", "--host", self.address, "load"], stdin=saved.stdout, check=True, capture_output=True)
        assert saved.wait(60) == 0
        assert saved.stdout is not None
        saved.stdout.close()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        asked = subprocess.run(["docker", "--host", self.address, "version"], capture_output=True)
        return asked.returncode == 0
