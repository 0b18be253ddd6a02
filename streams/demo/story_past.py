"""The part of the story that is a replay of last winter: weeks pass in seconds, and what falls due then happens
without an event of whom it concerns.
"""

from collections.abc import Sequence

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, iso, to_ms
from streams.demo.story_parts import CALL_MS, Act, Line, Person, Step, call, event, in_order, journey_of, message
from streams.demo.story_records import Newest, Told

PAST, AS_IF, LATER = "last-winter", "as-if-never-linked", "told-next-year"
BEGINS = to_ms("2025-01-06T09:00:00.000Z")
"""A Monday."""
GOLD_MS, PLATINUM_MS = 30 * DAY_MS, 21 * DAY_MS
"""Silent for longer is quiet: `silence.tier_floors` in tracking.yaml."""
WAIT_MS = 120_000
"""Gold waits no longer: `high-tier-wait` in alerts.yaml."""
BEN, PAUL, AKIRA = Person("ben-4001"), Person("paul-4002"), Person("akira-4003")
TOPICS = ("contacts.chat", "contacts.voice", "customers.events", "customers.profile")
LAST_CALL = BEGINS + 13 * DAY_MS
SILENT_SINCE = LAST_CALL + CALL_MS
OTHERS_CALL = SILENT_SINCE + GOLD_MS - DAY_MS
OTHERS_OWNER = "customer:somebody-4005"
"""Somebody else, who calls later than all others."""
PROMISE_DUE = to_ms("2025-02-21T21:00:00.000+09:00")
"""A Friday evening in Tokyo."""
DECIDED = PROMISE_DUE + HOUR_MS
"""`promise-due` in outreach.yaml waits so long."""
MORNING = to_ms("2025-02-22T08:00:00.000+09:00")
EVENING = to_ms("2025-02-22T20:00:00.000+09:00")
"""Quiet hours end, and begin again: `quiet_hours` in outreach.yaml."""
LINES = {
    PAST: Line(TOPICS, BEGINS - 1),
    AS_IF: Line(("contacts.email", "contacts.voice"), BEGINS - 1),
    LATER: Line(("contacts.chat", "contacts.voice"), BEGINS - DAY_MS - 1),
}


def steps_of_the_past(nora: Person) -> Sequence[Step]:
    """In the order of their times: a replay's time goes forward."""
    return waiting(), stitched(), silent(nora), held_back()


def waiting() -> Step:
    """A gold customer waits in a queue."""
    greta = {
        "contact_id": "call-greta",
        "channel": "voice",
        "queue": "cards",
        "customer_id": "greta-4004",
        "tier": "gold",
    }
    at = BEGINS + HOUR_MS
    greta_waits = {"subject": {"contact_id": "call-greta"}}
    fires = {
        "state": "firing",
        "subject": {"customer": "customer:greta-4004"},
        "since": iso(at + WAIT_MS),
        "resolved_at": None,
    }
    answered = at + WAIT_MS + 30_000
    over = {"state": "resolved", "resolved_at": iso(answered)}
    return Step(
        "A gold customer waits too long",
        [
            Act(
                "she enters the queue, and three minutes pass for everybody",
                [
                    Told(
                        "the alert fires while she waits, for the moment at which the limit was reached",
                        "alert.events", {"alert": greta_waits}, [{"alert": fires}],
                    )
                ],
                [event("contact.queued", "call-greta", at, "/pbx", greta)],
                PAST,
                at + WAIT_MS + 5_000,
            ),
            Act(
                "she is answered",
                [
                    Told(
                        "it is resolved", "alert.events", {"alert": greta_waits},
                        [{"alert": fires}, {"because": "answered", "alert": over}],
                    )
                ],
                [
                    event("contact.connected", "call-greta", answered, "/pbx", greta | {"party": "human"}),
                    event("contact.ended", "call-greta", answered + MINUTE_MS, "/pbx", greta | {"by": "customer"}),
                ],
                PAST,
                answered + 2 * MINUTE_MS,
            ),
        ],
    )  # fmt: skip


def stitched() -> Step:
    """One need on two channels, longer apart than any time would join."""
    first, second = BEGINS + HOUR_MS + 30 * MINUTE_MS, BEGINS + 12 * DAY_MS
    case = {"case_id": "case-77"}
    chat = [
        message("chat-ben", first, "the card reader is broken", BEN.known | case),
        message("chat-ben", first + MINUTE_MS, "a new one is on its way", case, "agent"),
        event("contact.ended", "chat-ben", first + 2 * MINUTE_MS, "/chat",
              {"contact_id": "chat-ben", "channel": "chat", "by": "customer"}),
    ]  # fmt: skip
    return Step(
        "One need over two channels",
        [
            Act(
                "Ben chats; twelve days later he calls about the same case",
                [
                    Newest(
                        "chat and call are one journey, and the case is why",
                        "journeys", journey_of(BEN.owner, first, PAST),
                        {
                            "contacts": [
                                {"contact_id": "chat-ben", "stitched_by": None},
                                {"contact_id": "call-ben", "stitched_by": "case", "stitched_to": "chat-ben"},
                            ],
                            "channels": ["chat", "voice"], "cases": ["case-77"],
                        },
                    )
                ],
                [*chat, *call("call-ben", second, BEN.known | case)],
                PAST,
                second + HOUR_MS,
            )
        ],
    )  # fmt: skip


def silent(nora: Person) -> Step:
    """She calls once more, and then nothing is told of her."""
    known = [
        event(
            "customer.profile_changed",
            each.customer,
            LAST_CALL - HOUR_MS,
            "/crm",
            {"customer_id": each.customer, "tier": tier},
        )
        for each, tier in ((nora, "gold"), (PAUL, "platinum"))
    ]
    quiet = {
        "customer": nora.owner, "status": "quiet", "tier": "gold", "since": iso(SILENT_SINCE),
        "quiet_at": iso(SILENT_SINCE + GOLD_MS), "limit_ms": GOLD_MS, "verdict": "good", "reason": "answered",
        "contact_id": "call-nora", "ended_at": None,
    }  # fmt: skip
    pauls = {"status": "quiet", "tier": "platinum", "quiet_at": iso(SILENT_SINCE + PLATINUM_MS)}
    hers, pauls_own = (call(name, LAST_CALL, who.known) for name, who in (("call-nora", nora), ("call-paul", PAUL)))
    others = call("call-others", OTHERS_CALL, {"customer_id": "somebody-4005"})
    return Step(
        "A gold customer falls silent",
        [
            Act(
                "Nora and Paul call; for 29 days after that only somebody else does",
                [
                    Told("platinum may be silent for 21 days: Paul is quiet", "customer.quiet",
                         {"customer": PAUL.owner, "line": PAST}, [pauls]),
                    Told("gold may for 30: of her nothing is said yet", "customer.quiet",
                         {"customer": nora.owner, "line": PAST}, ()),
                ],
                in_order(known, hers, pauls_own, others),
                PAST,
                SILENT_SINCE + GOLD_MS - HOUR_MS,
                settled=True,
            ),
            Act(
                "30 days: no event of anybody, time alone goes on",
                [
                    Told("she is quiet, once, with the moment and what her last contact lets one think",
                         "customer.quiet", {"customer": nora.owner, "line": PAST}, [quiet])
                ],
                (),
                PAST,
                SILENT_SINCE + GOLD_MS + HOUR_MS,
            ),
        ],
    )  # fmt: skip


def held_back() -> Step:
    """A promise falls due in the evening of whom it was made to."""
    profile = {"customer_id": AKIRA.customer, "time_zone": "Asia/Tokyo", "language": "ja"}
    promise = {"customer_id": AKIRA.customer, "promise_id": "p-1", "due": iso(PROMISE_DUE), "about": "call back"}
    made = PROMISE_DUE - DAY_MS
    held = {
        "status": "held", "reason": "quiet-hours", "rule": "promise-due", "time_zone": "Asia/Tokyo",
        "decided_at": iso(DECIDED), "until": iso(MORNING), "send_before": None,
    }  # fmt: skip
    sent = {
        "status": "send", "reason": None, "decided_at": iso(MORNING), "until": None, "send_before": iso(EVENING),
        "channel": "email", "about": "call back",
    }  # fmt: skip
    return Step(
        "An outreach waits for the morning",
        [
            Act(
                "a promise to Akira in Tokyo is not kept; an hour after it was due it is 22:00 there",
                [
                    Told("the word of ours is held back: quiet hours, until 08:00 in Tokyo",
                         "outreach", {"customer": AKIRA.owner, "line": PAST}, [held])
                ],
                [
                    event("customer.profile_changed", AKIRA.customer, made, "/crm", profile),
                    event("promise.made", "p-1", made + MINUTE_MS, "/crm", promise),
                ],
                PAST,
                DECIDED + HOUR_MS,
            ),
            Act(
                "the night passes",
                [
                    Told("it goes out when they end, and no later than they begin again",
                         "outreach", {"customer": AKIRA.owner, "line": PAST}, [held, sent])
                ],
                (),
                PAST,
                MORNING + HOUR_MS,
            ),
        ],
    )  # fmt: skip
