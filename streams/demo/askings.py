"""What a customer asks in writing and when we reply, as the simulator itself keeps count. Times and durations are
milliseconds."""

from dataclasses import dataclass
from typing import NamedTuple


class Replies(NamedTuple):
    """How long a reply took, as each of what it is; None = it is no such one."""

    any: int | None = None
    """The contact's first one, be it a bot's, from the first message of the asking in which it came."""
    first: int | None = None
    """So the first one of a person."""
    handed: int | None = None
    """So the first one of a person, from when a bot handed over."""
    again: int | None = None
    """The first one of a person in each later asking."""
    next: int | None = None
    """All of persons but the contact's first: from the oldest message without a reply."""


@dataclass
class Askings:
    """The askings of one contact, one after the other: an end or a solution parts them, a night does not."""

    since: int | None = None
    """The first message of the asking that is open."""
    unanswered: int | None = None
    handed: int | None = None
    """When a bot handed over, in this asking."""
    later: bool = False
    """An asking was over before, and no person has replied since."""
    heard: bool = False
    """A bot or a person has replied, ever."""
    replied: bool = False
    """A person has, ever."""
    was_handed: bool = False
    """A person has replied to what a bot handed over, ever."""

    def wrote(self, at: int) -> None:
        """The customer wrote."""
        self.since = at if self.since is None else self.since
        self.unanswered = at if self.unanswered is None else self.unanswered

    def hand_over(self, at: int) -> None:
        """A bot gave it to persons."""
        self.handed = at if self.handed is None else self.handed

    def bot(self, at: int) -> Replies:
        """A bot replied; what that counts."""
        if self.since is None or self.heard:
            return Replies()
        self.heard = True
        return Replies(any=at - self.since)

    def reply(self, at: int) -> Replies:
        """A person replied; what that counts."""
        since = self.since
        if since is None:
            return Replies()
        oldest = self.unanswered if self.later or self.replied else None
        took = Replies(
            any=None if self.heard else at - since,
            first=None if self.replied else at - since,
            handed=None if self.handed is None or self.was_handed else at - self.handed,
            again=at - since if self.later else None,
            next=None if oldest is None else at - oldest,
        )
        self.was_handed = self.was_handed or self.handed is not None
        self.unanswered, self.later, self.heard, self.replied = None, False, True, True
        return took

    def over(self) -> None:
        """The matter is solved, or the contact ended: what comes next is another asking."""
        self.later = self.later or self.since is not None
        self.since = self.unanswered = self.handed = None
