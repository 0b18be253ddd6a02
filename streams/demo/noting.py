"""What is told of a contact, as the simulator itself notes it: for its own clocks, and for the truth."""

from typing import Any

from streams.demo.lives import Life
from streams.demo.parts import Contact
from streams.demo.truth import Truth

WORDS_ABOUT = frozenset({"feedback.given", "contact.wrapped_up", "case.opened", "case.solved", "case.reopened"})
"""What is told of a contact that is over, and leaves it so."""


def note(truth: Truth, contact: Contact, event_type: str, data: dict[str, Any], at: int) -> None:
    """An event of a time, ms since the epoch."""
    idle_ms = truth.rules.customers.contacts.timeout_ms(contact.channel)
    rested = contact.last_word is not None and at - contact.last_word > idle_ms
    live(truth, contact, event_type, data, at)
    if event_type not in WORDS_ABOUT and not contact.over and rested:
        went_on(truth, contact)
    contact.last_word = at
    author = data.get("author")
    if event_type == "post.made" or (event_type == "message.sent" and author == "customer"):
        contact.askings.wrote(at)
        if "sentiment" in data:
            truth.sounded(contact.id, contact.queue, data["sentiment"])
    elif event_type in ("message.sent", "post.answered") and author in ("agent", "bot"):
        took = contact.askings.reply(at) if author == "agent" else contact.askings.bot(at)
        truth.replied(contact.id, contact.queue, took)
    elif event_type == "contact.handed_off":
        contact.askings.hand_over(at)
    elif event_type in ("contact.ended", "case.solved"):
        contact.askings.over()
    contact.over = contact.over or event_type == "contact.ended"


def live(truth: Truth, contact: Contact, event_type: str, data: dict[str, Any], at: int) -> None:
    """What an event means for what the customer needs."""
    life = truth.lives.setdefault(contact.id, Life(contact.id, contact.channel, at))
    life.last = at
    if life.over is not None and not contact.over:
        life.go_on(at)
    if data.get("case_id") and data["case_id"] not in life.cases:
        life.cases.append(data["case_id"])
    life.queue = contact.queue or life.queue or data.get("queue")
    match event_type:
        case "case.solved":
            life.solve(at)
        case "case.reopened":
            life.take_up(at)
        case "contact.handed_off":
            life.served = False
        case "contact.transferred":
            life.transfers += 1
        case "contact.ended":
            life.end(at)


def went_on(truth: Truth, contact: Contact) -> None:
    """It was over, or taken for over, and goes on."""
    truth.went_on(contact.channel, contact.queue)
    truth.lives[contact.id].comebacks += 1
