"""When a replay is over between the tasks of `identify`: the rows ``ending`` (`streams.identity.ending`)."""

import msgspec

from streams.base.links import Again, Erasing, ForgetContact, Hurried, Rests, Round, Told, ToNode
from streams.base.progress import Implausible, Origins
from streams.base.records import SEP
from streams.engine import Outputs, Table, TaskInfo
from streams.identity import ending
from streams.identity.ending import Ending

encode = msgspec.json.Encoder().encode


class Ends:
    """Rows: line of a replay → what was told of its end."""

    def __init__(self, info: TaskInfo, rows: Table[Ending], links: str) -> None:
        self.info, self.rows, self.links = info, rows, links
        self.origins = Origins(info.inlet, info.peers).names

    def heard(self, told: Round) -> None:
        """A task has told its round. Raises `Implausible`."""
        if told.of != self.info.peers or told.origin not in self.origins or not told.line:
            raise Implausible(f"the end of a replay as told by {told.origin[:100]!r}, one of {told.of}")
        self.rows[told.line] = ending.heard(self.rows.get(told.line) or Ending(), told)

    def stirred(self, value: ToNode | Told | Again | Hurried | Rests | Erasing) -> None:
        """Something of a replay was handled."""
        if not self.rows:
            return
        if isinstance(value, Again):
            line = value.event.line
        elif isinstance(value, Told | Hurried | ForgetContact):
            line = line_of(value.contact)
        else:
            line = getattr(value, "line", "")
        known = self.rows.get(line)
        if known is not None:
            self.rows[line] = ending.stirred(known)

    def step(self, line: str, out: Outputs) -> None:
        """All events of a replay are placed. It is over when no identifier has anything more to tell of it."""
        known = self.rows.get(line) or Ending()
        left, told = ending.step(known, self.info.name, self.info.peers, line)
        if left is not known:
            self.rows[line] = left
        if told is not None:
            out.broadcast(self.links, None, encode(told))

    def is_over(self, line: str) -> bool:
        """Is it?"""
        known = self.rows.get(line)
        return known is not None and known.over

    def forget(self, line: str) -> None:
        """Everything of a line."""
        self.rows.pop(line, None)


def name_of(key: str) -> str:
    """Of the key of a row: the same without the line."""
    return key.partition(SEP)[0]


def line_of(key: str) -> str:
    """Of the key of a row."""
    return key.partition(SEP)[2]
