"""What a customer asks in writing, and who replies first. After an end or a solve the next message asks anew."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Askings:
    """``spoke``: the customer's first message of the present asking, ms; ``unanswered``: the oldest without a human reply."""

    number: int = 0
    spoke: int | None = None
    closed: bool = False
    unanswered: int | None = None
    handed: int | None = None
    """When a bot first gave the contact to humans in this asking."""
    replied: bool = False
    """A human has, in this asking."""
    unheard: bool = False
    """Nobody, and no bot, has replied to the customer's last words."""
    counted: set[str] = field(default_factory=set)
    """First responses that a contact has once."""

    def customer(self, at: int) -> None:
        if self.closed:
            self.drop()
        if self.spoke is None:
            self.number += self.closed
            self.spoke, self.closed, self.replied = at, False, False
        self.unheard = True
        if self.unanswered is None:
            self.unanswered = at

    def hand_over(self, at: int) -> None:
        if self.handed is None:
            self.handed = at

    def reply(self, at: int, author: str) -> Iterable[tuple[str, int]]:
        """(figure, ms) of each response that it is."""
        if self.spoke is None:
            return
        self.unheard = False
        yield from self.once("any", at, self.spoke)
        if author != "agent":
            return
        yield from self.once("human_from_start", at, self.spoke)
        if self.handed is not None:
            yield from self.once("human_from_handoff", at, self.handed)
        if self.number and not self.replied:
            yield "first_response.after_reopen", at - self.spoke
        if self.unanswered is not None and (self.number or self.replied):
            yield "next_response", at - self.unanswered
        self.replied = True

    def once(self, variant: str, at: int, since: int) -> Iterable[tuple[str, int]]:
        if variant not in self.counted:
            self.counted.add(variant)
            yield f"first_response.{variant}", at - since

    def close(self) -> None:
        self.closed = self.closed or self.spoke is not None

    def drop(self) -> None:
        """What was open is nobody's any more: the next message asks anew."""
        self.close()
        self.spoke = self.unanswered = self.handed = None
