"""What a customer asks in writing and when a person replies, as the simulator itself keeps count. Times and durations
are milliseconds."""

from dataclasses import dataclass


@dataclass
class Replies:
    """How long replies of persons took, each with how many there were."""

    first: int = 0
    """The contact's first one, from the first message of the asking in which it came."""
    first_ms: int = 0
    again: int = 0
    """The first one of each later asking."""
    again_ms: int = 0
    next: int = 0
    """All but the contact's first: from the oldest message without a reply."""
    next_ms: int = 0


@dataclass
class Askings:
    """The askings of one contact, one after the other: an end or a solution parts them, a night does not."""

    since: int | None = None
    """The first message of the asking that is open."""
    unanswered: int | None = None
    later: bool = False
    """An asking was over before, and no person has replied since."""
    replied: bool = False
    """A person has, ever."""

    def wrote(self, at: int) -> None:
        """The customer wrote."""
        self.since = at if self.since is None else self.since
        self.unanswered = at if self.unanswered is None else self.unanswered

    def reply(self, at: int) -> Replies:
        """A person replied; what that counts."""
        took = Replies()
        if self.since is None:
            return took
        if not self.replied:
            took.first, took.first_ms = 1, at - self.since
        if self.later:
            took.again, took.again_ms = 1, at - self.since
        if self.unanswered is not None and (self.later or self.replied):
            took.next, took.next_ms = 1, at - self.unanswered
        self.unanswered, self.later, self.replied = None, False, True
        return took

    def over(self) -> None:
        """The matter is solved, or the contact ended: what comes next is another asking."""
        self.later = self.later or self.since is not None
        self.since = self.unanswered = None
