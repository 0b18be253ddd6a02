"""Synthetic rows in the columns of the bank's call log."""

from pathlib import Path

from streams.replay.mapping import load_mapping
from streams.replay.reader import CallLog, read_log

COLUMNS = [
    "vru+line",
    "call_id",
    "customer_id",
    "priority",
    "type",
    "date",
    "vru_entry",
    "vru_exit",
    "vru_time",
    "q_start",
    "q_exit",
    "q_time",
    "outcome",
    "ser_start",
    "ser_exit",
    "ser_time",
    "server",
]
ABSENT = "0:00:00"
DEFAULTS = {
    "vru+line": "XX0101",
    "call_id": "1",
    "customer_id": "0",
    "priority": "0",
    "type": "PS",
    "date": "990310",
    "vru_entry": "10:00:00",
    "vru_exit": "10:00:10",
    "vru_time": "10",
    "q_start": ABSENT,
    "q_exit": ABSENT,
    "q_time": "0",
    "outcome": "AGENT",
    "ser_start": ABSENT,
    "ser_exit": ABSENT,
    "ser_time": "0",
    "server": "NO_SERVER",
}


def row(**given: str) -> str:
    """One line; ``line`` stands for the column ``vru+line``."""
    values = DEFAULTS | {"vru+line" if name == "line" else name: value for name, value in given.items()}
    return "\t".join(values[name] for name in COLUMNS)


def log(folder: Path, *rows: str) -> CallLog:
    """The log of a file with these lines below the header, CRLF at their ends."""
    path = folder / "calls.tsv"
    path.write_bytes("\r\n".join(["\t".join(COLUMNS), *rows, ""]).encode())
    return read_log(path, load_mapping("bank"))


def story(found: CallLog) -> list[tuple[str, str]]:
    """(time in UTC to the second, type) of every event."""
    return [(event["time"][:19], event["type"]) for _, event in found.events("x")]
