"""A small disk of its own for the workers' state, which can be filled to the last byte. Needs root, for the mount."""

import contextlib
import os
import subprocess
from pathlib import Path

SIZE = "1g"


class Disk:
    """A tmpfs below ``folder``; ``why_not`` says why there is none."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"
        self.why_not: str | None = None

    def mount(self) -> None:
        """Make it; without root a plain folder takes its place, and cannot be filled."""
        self.path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "chaos", str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            self.why_not = f"no tmpfs could be mounted: {done.stderr.strip()}"

    def fill(self) -> None:
        """Leave no byte free."""
        room = os.statvfs(self.path)
        with (self.path / "full").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_bsize))
            while True:  # what became free meanwhile, until there is no room
                file.seek(0, os.SEEK_END)
                file.write(b"\0" * room.f_bsize)

    def free(self) -> None:
        """Give the room back."""
        (self.path / "full").unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take it away with all it holds."""
        if self.why_not is None and self.path.is_mount():
            subprocess.run(["umount", "--lazy", str(self.path)], check=False)
