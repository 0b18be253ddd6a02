"""What the customer does in a contact, as against what is done for him: by it a customer is heard of."""

from streams.base.channels import LIVE_CHANNELS
from streams.contacts.steps import CUSTOMER, Step

ALWAYS = frozenset(
    {
        "article.viewed",
        "contact.callback_requested",
        "feedback.given",
        "post.made",
        "search.failed",
        "visit.made",
    }
)
"""Types that are the customer's own doing, whatever they say."""
BY_AUTHOR = frozenset({"contact.ended", "message.sent", "post.answered"})
"""Types that are his where they say so."""

Acts = tuple[int | None, int]
"""Times (ms) of the customer's first act in the present part of a contact (None = there was none yet), and of the last
one in all of its parts."""


def is_his(step: Step, channel: str, ours: bool) -> bool:
    """Is it something the customer did? ``ours``: our side opened the contact.

    Who enters a queue of his own accord, or is there when somebody answers where one sits and waits, is heard of.
    """
    kind = step.type
    if kind in ALWAYS:
        return True
    if kind in BY_AUTHOR:
        return step.actor == CUSTOMER
    if kind == "contact.initiated":
        return step.actor == CUSTOMER and step.detail != "outbound"
    return (kind == "contact.connected" and channel in LIVE_CHANNELS) or (kind == "contact.queued" and not ours)


def with_act(acts: Acts | None, at: int) -> Acts:
    """With one more, which does not lie before the others."""
    return (at, at) if acts is None else (at if acts[0] is None else acts[0], at)
