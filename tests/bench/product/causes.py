"""Where the CPU of a worker goes: its stacks are sampled, and each is given to a cause and to a hop.

A stack belongs to the innermost frame that a rule names, so that a library's work counts for whoever called it. C code
has no frame of its own: what it does counts for the line that called it, and the text of that line tells encoding from
decoding where one function does both.
"""

import asyncio
import linecache
import re
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench.product.tools import tool

CAUSES = {
    "fetch": "polls; record batches from the socket, unpacked",
    "decode": "bytes to checked records",
    "domain": "the handlers",
    "store": "rows looked up, put, read back and decoded, written to disk",
    "encode": "outputs and changed rows to bytes",
    "transaction": "record batches packed and compressed, produced, committed",
    "loop": "event loop, agents, the engine's own steps",
}
SHARED = "shared"
"""In place of a hop: work that is done for all of them."""
RATE = 100
"""Samples a second; each stops the worker for a moment, which is no CPU of its own."""


class Frame(NamedTuple):
    function: str
    file: str
    line: int


class Rule(NamedTuple):
    cause: str
    path: str
    functions: frozenset[str] = frozenset()
    """Empty: any."""


HALL = "streams/pipeline/"
PURE = tuple(
    f"streams/{room}/"
    for room in ("alerts", "base", "contacts", "customers", "identity", "intake", "metrics", "sentiment")
)
RULES = (
    Rule("encode", "streams/metrics/kpis.py", frozenset({"encode"})),
    *(Rule("domain", room) for room in PURE),
    Rule("decode", "/schemas/"),
    Rule("domain", HALL),
    Rule("encode", "streams/engine/table.py", frozenset({"changes", "dump"})),
    Rule("store", "streams/engine/table.py"),
    Rule("store", "streams/engine/store.py"),
    Rule("store", "streams/engine/rocks.py"),
    Rule("encode", "streams/engine/outputs.py", frozenset({"send", "send_to", "broadcast"})),
    Rule("transaction", "streams/engine/outputs.py", frozenset({"grouped"})),
    Rule("transaction", "streams/engine/batch.py", frozenset({"_commit"})),
    Rule("transaction", "streams/engine/task.py"),
    Rule("transaction", "streams/engine/packing.py"),
    Rule("transaction", "streams/engine/changelog.py"),
    Rule("transaction", "aiokafka/producer/"),
    Rule("fetch", "aiokafka/consumer/"),
    Rule("fetch", "streams/engine/source.py"),
    Rule("fetch", "streams/engine/tasks.py"),
    Rule("fetch", "streams/engine/fetching.py"),
    Rule("loop", "streams/engine/"),
    Rule("loop", "streams/worker/"),
)
_FRAME = re.compile(r"^(.*) \((.*):(\d+)\)$")
_HOP = re.compile(r"^hop_(\w+)$")
_ENCODES = re.compile(r"\b(encode|dumps)\(")
_DECODES = re.compile(r"\b(decode|loads|parse)\(")


def parse(line: str) -> tuple[list[Frame], int]:
    """One line of py-spy's raw output: frames from the outermost, and how often the stack was seen."""
    stack, _, count = line.rpartition(" ")
    frames = []
    for part in stack.split(";"):
        match = _FRAME.match(part)
        frames.append(Frame(match[1], match[2], int(match[3])) if match else Frame(part, "", 0))
    return frames, int(count)


def cause_of(frames: Sequence[Frame], hop: str = SHARED) -> str:
    """The cause of a stack, frames from the outermost."""
    for frame in reversed(frames):
        name = _function(frame)
        for rule in RULES:
            if rule.path in frame.file and (not rule.functions or name in rule.functions):
                return _by_line(frame, rule.cause) if rule.path == HALL and frame is frames[-1] else rule.cause
    if any("aiokafka/" in frame.file for frame in frames):
        # A connection's own task: the producers' are marked with their hop, the consumer's are not.
        return "fetch" if hop == SHARED else "transaction"
    return "loop"


def _function(frame: Frame) -> str:
    """Its name alone; a comprehension belongs to the function around it (``Table.changes.<locals>.<listcomp>``)."""
    return next((part for part in reversed(frame.function.split(".")) if not part.startswith("<")), frame.function)


def _by_line(frame: Frame, cause: str) -> str:
    text = linecache.getline(frame.file, frame.line)
    if _ENCODES.search(text):
        return "encode"
    return "decode" if _DECODES.search(text) else cause


def hop_of(frames: Sequence[Frame]) -> str:
    """The hop a stack works for: the innermost name that `marked` put in."""
    return next((match[1] for frame in reversed(frames) if (match := _HOP.match(frame.function))), SHARED)


def split(lines: Iterable[str]) -> Counter[tuple[str, str]]:
    """Samples by (hop, cause)."""
    found = Counter[tuple[str, str]]()
    for line in lines:
        if line.strip():
            frames, count = parse(line.strip())
            if _function(frames[-1]) == "wait" and frames[-1].file.endswith("threading.py"):
                continue  # a thread that waits for its turn beside the loop uses no CPU, however often it is seen
            hop = hop_of(frames)
            found[hop, cause_of(frames, hop)] += count
    return found


class Stacks:
    """The raw output of the samplers, one file per worker, filled when `watching` ends."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="contact-streams-bench-stacks-"))

    def samples(self) -> Counter[tuple[str, str]]:
        """Samples by (hop, cause), all workers together."""
        return split(line for file in sorted(self.folder.glob("*.txt")) for line in file.read_text().splitlines())

    def shares(self, us_per_event: float) -> dict[str, dict[str, float]]:
        """µs of CPU per event by hop and cause, ``us_per_event`` being the whole."""
        samples = self.samples()
        total = samples.total() or 1
        table: dict[str, dict[str, float]] = {}
        for (hop, cause), count in sorted(samples.items()):
            table.setdefault(hop, dict.fromkeys(CAUSES, 0.0))[cause] = round(count / total * us_per_event, 2)
        return table


@asynccontextmanager
async def watching(pids: Iterable[int]) -> AsyncIterator[Stacks]:
    """Sample these processes while the block runs. Only threads that are on a CPU count."""
    stacks = Stacks()
    samplers = [
        await asyncio.create_subprocess_exec(
            tool("py-spy"), "record", "--format", "raw", "--full-filenames", "--rate", str(RATE), "--pid", str(pid),
            "--output", str(stacks.folder / f"{pid}.txt"),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        )
        for pid in pids
    ]  # fmt: skip
    try:
        yield stacks
    finally:
        for sampler in samplers:
            if sampler.returncode is None:
                sampler.send_signal(signal.SIGINT)
        codes = await asyncio.gather(*(asyncio.wait_for(sampler.wait(), 30) for sampler in samplers))
        if any(codes):
            raise RuntimeError("py-spy failed: it needs the right to trace processes (root, or ptrace_scope 0)")
