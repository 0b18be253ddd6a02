"""What a customer asks in writing, and who replies first. An asking ends with an end or a solve."""

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
    """When a bot first gave the contact to humans."""
    replied: set[str] = field(default_factory=set)

    def customer(self, at: int) -> None:
        if self.spoke is None or self.closed:
            self.number += self.closed
            self.spoke, self.closed, self.replied = at, False, set()
        if self.unanswered is None:
            self.unanswered = at

    def reply(self, at: int, author: str) -> Iterable[tuple[str, int]]:
        """(figure, ms) of each response that it is."""
        if self.spoke is None or self.closed:
            return
        if not self.number and "any" not in self.replied:
            self.replied.add("any")
            yield "first_response.any", at - self.spoke
        if author != "agent":
            return
        first = "human" not in self.replied
        if first:
            self.replied.add("human")
            yield f"first_response.{'after_reopen' if self.number else 'human_from_start'}", at - self.spoke
            if self.handed is not None and not self.number:
                yield "first_response.human_from_handoff", at - self.handed
        if self.unanswered is not None and (self.number or not first):
            yield "next_response", at - self.unanswered

    def close(self) -> None:
        self.closed = self.closed or self.spoke is not None
        self.unanswered = None
