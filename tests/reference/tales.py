"""Random contacts in which something happens to a call or a chat: it is rated, changes hands, is known by other spellings."""

from dataclasses import replace

from tests.reference.events import Story
from tests.reference.spoken import call
from tests.reference.teller import Teller
from tests.reference.written import bot, chat

HIDDEN = ("anonymous", "+266696687", "Private Number")


def rated(t: Teller, longest: float) -> Story:
    """A survey, or two, minutes to days after the end; after-contact work reported late."""
    s = t.r.choice([call, chat])(t)
    if t.chance(0.3) and any(e.kind == "contact.connected" and "party" not in e.data for e in s.events):
        s.wait(t.ms(600, min(longest, 40 * 3600))).say("wrapped_up", duration_ms=t.ms(5, 90))
    scores = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
    for metric in t.r.sample(sorted(scores), t.r.randrange(1, 3)):
        s.wait(t.ms(60, longest)).say("feedback.given", metric=metric, score=t.r.randint(*scores[metric]))
        if t.chance(0.3):
            s.wait(t.ms(1, 3600)).say("feedback.given", metric=metric, score=t.r.randint(*scores[metric]))
    return s


def wander(t: Teller) -> Story:
    """The contact is shown as another's for a while; or it becomes known half-way."""
    s = t.r.choice([call, chat, bot])(t)
    owners = t.r.choice([["a", "b", "a"], ["a", "b"], [None, "a"], [None, "a", "b"], ["hidden", "a"], ["hidden"]])
    cuts = sorted(t.r.sample(range(1, max(2, len(s.events))), min(len(owners) - 1, max(1, len(s.events) - 1))))
    made = []
    for number, event in enumerate(s.events):
        data = {k: v for k, v in event.data.items() if k not in ("customer_id", "identifiers")}
        stage = sum(number >= cut for cut in cuts)
        who = owners[min(stage, len(owners) - 1)]
        if number and number not in cuts:
            who = None
        if who == "hidden":
            data["identifiers"] = [{"kind": "phone", "value": t.r.choice(HIDDEN)}]
        elif who:
            data["customer_id"] = f"w{who}{s.contact}"
        made.append(replace(event, data=data))
    s.events = made
    return s


PHONES = (
    "+4420794601{:02}",
    "004420794601{:02}",
    "tel:+4420794601{:02}",
    "sip:+4420794601{:02}@pbx.example",
    "+44 20 7946 01{:02}",
)
MAILS = (
    "zoë{}@example.com",
    "zoe\u0308{}@example.com",
    "MAILTO:zoë{}@example.com",
    '"W., Zoë" <zoë{}@Example.com>',
    "<zoë{}@example.com>",
)


def spelled(t: Teller) -> Story:
    """One of two people, known by a phone or an address in any spelling."""
    kind, forms, channel = t.r.choice([("phone", PHONES, "voice"), ("email", MAILS, "email")])
    s = t.begin(channel)
    s.first, s.common = {}, {"identifiers": [{"kind": kind, "value": t.r.choice(forms).format(t.r.randrange(10, 12))}]}
    s.say("initiated").wait(t.ms(1, 60))
    return s.say("ended", by="customer", reason="self-served")
