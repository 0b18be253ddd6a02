"""More than fits into memory, on the disk meanwhile: records are put away by key, and those of one key come back
together.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path
from zlib import crc32

BUCKETS = 64
"""Files: so much of what is put away is in memory at a time, 1 in 64."""


class Spill:
    """Lines by key, in a folder that is gone afterwards."""

    def __init__(self, files: list[BufferedRandom]) -> None:
        self._files = files

    def put(self, key: str, line: bytes) -> None:
        """A line without a line break."""
        file = self._files[crc32(key.encode("utf-8", "surrogatepass")) % len(self._files)]
        file.write(line + b"\n")

    def buckets(self) -> Iterator[Iterator[bytes]]:
        """All lines, bucket by bucket: those of one key are in one, in the order in which they were put."""
        for file in self._files:
            file.seek(0)
            yield (line.rstrip(b"\n") for line in file)


@contextmanager
def spill(buckets: int = BUCKETS) -> Iterator[Spill]:
    """A place to put lines."""
    with tempfile.TemporaryDirectory(prefix="contact-streams-") as folder:
        files = [(Path(folder) / str(number)).open("w+b") for number in range(buckets)]
        try:
            yield Spill(files)
        finally:
            for file in files:
                file.close()
