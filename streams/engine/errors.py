"""The engine's exceptions.

::

    EngineError
    ├── ConfigurationError      the topology or a setting is wrong: the worker does not start
    │   └── WrongClock          this worker's clock and the broker's differ by more than 5 s
    ├── TopologyError           the topics are not as the worker needs them: it does not start, or ends
    │   ├── MissingTopics       topics are not there
    │   ├── PartitionsDiffer    an input has more partitions than there is state for
    │   ├── SettingsDiffer      topics are kept in a way that costs state, or makes results wrong
    │   ├── LostState           a changelog is empty that cannot be: it was deleted
    │   ├── MadeAnew            the state stands at a position in a topic that is no longer there
    │   └── TopicsChanged       they were changed while the worker ran
    ├── Differs                 other workers have other settings, rules or versions: this one does not take part
    ├── NameTaken               another worker with the same static name has joined: this one ends
    ├── ChangelogError          a changelog cannot be read: the task does not start, the worker says why
    │   ├── NewerState          it was written by a newer version of the program
    │   └── UnreadableState     this program can decode hardly any of its rows
    ├── StoreError              the store of a task cannot be read or written: the task is lost and taken over again
    │   └── StoreInUse          another process, or another task of this one, has it open
    ├── RowFault                rows of the tables are at fault: they are set aside (`work`)
    ├── RowTooLarge             a row is larger than the broker takes
    ├── TaskLost                a commit failed or was fenced: the task is dropped and taken over again (never fatal)
    │   └── Refused             the broker refuses what it wrote for what it is: too large, not valid
    ├── UnreadableRecord        what was fetched cannot be taken apart: it is passed by and becomes a dead letter
    │   └── BatchTooLarge       a record batch inflates to more than is taken, or claims too many records or headers
    ├── IllegalTransition       a task was asked for what its state does not allow: a fault of the engine (`life`)
    ├── KilledWorker            a record was in flight at three deaths in a row: it becomes a dead letter (`trial`)
    └── OutputTooLarge          a handler sent more than the broker takes: that record becomes a dead letter

The first six, with what is below them, are for a person: they are `UserError`, too.
"""

from collections.abc import Iterable, Mapping, Sequence

from streams.base.errors import UserError


class EngineError(Exception):
    """Base of everything the engine raises."""


class ConfigurationError(EngineError, UserError):
    """The topology or a setting is wrong; the message says which and what is allowed."""


class TopologyError(EngineError, UserError):
    """The topics on the broker are not as the worker needs them; the message says which, and what helps."""


class MissingTopics(TopologyError):
    """Topics the topology names are not on the broker (they are never created by accident)."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(f"topics missing on the broker: {', '.join(missing)}; run `contact-streams topics create`")
        self.missing = missing


class PartitionsDiffer(TopologyError):
    """An input has more partitions than its agent's changelog: nobody would read the others."""

    def __init__(self, changelog: str, topic: str, counts: tuple[int, int], helps: str, *, rebuild: bool) -> None:
        """``rebuild``: nothing less helps, since the topic is written by an agent, and may not be made anew."""
        has, needs = counts
        way = "rebuild" if rebuild else f"make {topic} anew with {has}, or rebuild with {needs}"
        super().__init__(
            f"{changelog} has {has} partitions, its inputs need {needs}: {topic} was given more. State is kept by "
            f"partition; {way}: {helps}"
        )


class SettingsDiffer(TopologyError):
    """Topics are kept in a way that costs state, or makes results wrong; ``found`` says each setting."""

    SHOWN = 3

    def __init__(self, found: Sequence[object]) -> None:
        more = f"; and {len(found) - self.SHOWN} more" if len(found) > self.SHOWN else ""
        super().__init__(
            "; ".join(str(each) for each in found[: self.SHOWN])
            + f"{more}. `contact-streams topics alter` shows what it would change, and asks"
        )


class LostState(TopologyError):
    """Changelogs are empty, or partitions of them, and the group has read what they were made of."""

    def __init__(self, changelogs: list[str]) -> None:
        super().__init__(
            f"{', '.join(changelogs)}: empty, though the group has read the inputs: deleted and made anew, or all that "
            "a partition held was deleted; the state is gone. To begin would publish everything again; "
            "`contact-streams topics create --lost-state` decides"
        )
        self.changelogs = changelogs


class MadeAnew(TopologyError):
    """A topic was deleted and made anew under state that stands at a position in the old one."""


class TopicsChanged(TopologyError):
    """Topics were deleted, made anew or given partitions while the worker ran."""

    def __init__(self, why: Iterable[str]) -> None:
        super().__init__("; ".join(why))


class Differs(EngineError, UserError):
    """The workers that run would give other results; the message names each difference and the values on both sides."""

    def __init__(self, worker: str, differences: list[str]) -> None:
        super().__init__(
            f"worker {worker} would give other results than those that run, and does not take part: "
            f"{'; '.join(differences)}. Give it what they have; for a change, stop all workers first"
        )
        self.differences = differences


class NameTaken(EngineError, UserError):
    """Another worker with the same name joined, with static membership: the broker lets only one be."""

    def __init__(self, worker: str) -> None:
        super().__init__(
            f"another worker with the name {worker} has joined and taken its place; names are for one each"
        )


class WrongClock(ConfigurationError):
    """This worker's clock and the broker's differ too much. With it, live time would run ahead or stand still."""

    def __init__(self, ours: str, theirs: str, ahead: float) -> None:
        how = "ahead" if ahead > 0 else "behind"
        super().__init__(
            f"the clock of this worker says {ours}, the broker's {theirs}: it is {abs(ahead):.1f} s {how}, and at most "
            "5 s are allowed. Put right whichever is wrong (NTP); `contact-streams doctor` shows this machine's"
        )


class ChangelogError(EngineError, UserError):
    """A changelog record cannot be read back."""

    def __init__(self, topic: str, partition: int, offset: int, why: str) -> None:
        super().__init__(f"changelog {topic}-{partition} at offset {offset}: {why}")
        self.topic, self.partition, self.offset = topic, partition, offset


class NewerState(ChangelogError):
    """The state was written by a newer version; run that version, or a newer one."""


class UnreadableState(ChangelogError):
    """So many rows cannot be decoded that it is the program that is at fault: to set them all aside would empty the
    state.
    """


class StoreError(EngineError, UserError):
    """The store of a task cannot be read or written; the message names the folder and says why."""


class StoreInUse(StoreError):
    """Somebody else has the folder open."""


class RowFault(EngineError):
    """Rows are at fault; ``rows``: (table, key) → what they made raise. ``certain``: no record of the batch has touched
    them, so none of them is to blame.
    """

    def __init__(self, rows: Mapping[tuple[str, str], Exception], *, certain: bool = False) -> None:
        (table, _), error = next(iter(rows.items()))  # a key may name a person: not in a message that is logged
        many = "a row" if len(rows) == 1 else f"{len(rows)} rows"
        super().__init__(f"{many} of table {table!r}: {type(error).__name__}")
        self.rows, self.certain = dict(rows), certain


class RowTooLarge(EngineError):
    """A row is larger than the broker accepts."""

    def __init__(self, table: str, size: int, limit: int) -> None:
        super().__init__(f"a row of {size} bytes of table {table!r} is over the limit of {limit} bytes")


class IllegalTransition(EngineError):
    """A task was to go from one state to another to which no way leads (`life`)."""


class TaskLost(EngineError):
    """A batch could not be committed; its task is dropped and taken over again from the changelog."""


class Refused(TaskLost):
    """The broker refuses what a batch writes for what it is (too large, not valid): trying again does not help."""


class UnreadableRecord(EngineError):
    """A record, or all that a record batch holds, cannot be taken apart; the message says why."""


class BatchTooLarge(UnreadableRecord):
    """A record batch inflates to more than is taken, or claims too many records."""


class OutputTooLarge(EngineError):
    """One output is larger than the broker accepts."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(f"an output of {size} bytes for {topic} is over the limit of {limit} bytes")
        self.topic, self.size, self.limit = topic, size, limit
