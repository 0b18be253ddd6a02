"""The story: whose a contact is, and takes back; what happens without an event; and a person who is to be forgotten.

Pure: all events, and all that must come of them, follow from the time at which it begins and the key of the erasures.
What is expected is written down here, by the documents (identity.md, journeys.md, initiative.md, privacy.md) and by the
rules as shipped; nothing of it is read from what comes out.
"""

from streams.base.times import MINUTE_MS, SECOND_MS
from streams.demo.story_erased import erased
from streams.demo.story_parts import Act, Event, Person, Step, Story, call, event, in_order, journey_of, message
from streams.demo.story_past import AS_IF, LINES, OTHERS_CALL, OTHERS_OWNER, PAST, steps_of_the_past
from streams.demo.story_records import Alike, Gone, Newest, Told

BEFORE_MS = 10 * MINUTE_MS
"""So long before the story is told its live events began: none of them lies in the future."""
NORA = Person("nora-1001", ("cookie", "k-nora-5d1c"))
MARTA, TOM = (Person(customer, ("phone", "+442079460301")) for customer in ("marta-2001", "tom-2002"))
"""A family: one line, two customers."""
CARLA = Person("carla-3001", ("phone", "+442079460302"))
STRANGER = Person("", ("email", "sam.3002@example.com"))


def story(now: int, key: bytes, kept_ms: int) -> Story:
    """``now``: ms; ``key``: of the erasures; ``kept_ms``: so long after an erasure nothing is left, by the settings."""
    begins = now - BEFORE_MS
    family, merged = begins + 2 * MINUTE_MS, begins + 6 * MINUTE_MS
    others = (
        journey_of(CARLA.owner, merged),
        journey_of(MARTA.owner, family),
        journey_of(OTHERS_OWNER, OTHERS_CALL, PAST),
    )
    steps = (
        unknown(begins),
        signed_in(begins, begins + MINUTE_MS),
        shared_line(family),
        wrong_merge(merged),
        *steps_of_the_past(NORA),
        *erased(NORA, (begins, others), begins + 9 * MINUTE_MS, key, kept_ms),
    )
    return Story(steps, LINES)


def anonymous(person: Person) -> str:
    """The owner of what an identifier of no customer brings."""
    return f"anonymous:{person.identifier}"


def unknown(at: int) -> Step:
    """A chat of which only the browser is known."""
    chat = [
        message("chat-nora-1", at, "do you deliver to the islands?", NORA.named),
        message("chat-nora-1", at + 10 * SECOND_MS, "we do, within three days", {}, "agent"),
        event("contact.ended", "chat-nora-1", at + 20 * SECOND_MS, "/chat", {
            "contact_id": "chat-nora-1", "channel": "chat", "by": "customer"
        }),
    ]  # fmt: skip
    return Step(
        "Somebody unknown chats",
        [
            Act(
                "a browser, and no name",
                [
                    Newest(
                        "the chat belongs to an anonymous customer, named by the browser",
                        "journeys", journey_of(anonymous(NORA), at),
                        {"customer": anonymous(NORA), "contacts": [{"contact_id": "chat-nora-1", "channel": "chat"}]},
                    ),
                    Told("nothing had to move for that", "identity.changes", {"contact_id": "chat-nora-1"}, ()),
                ],
                chat,
            )
        ],
    )  # fmt: skip


def signed_in(chatted: int, at: int) -> Step:
    """She signs in while she chats; ``chatted``: when she did before."""
    before = message("chat-nora-2", at, "my parcel is late", NORA.named)
    signs_in = message("chat-nora-2", at + 30 * SECOND_MS, "I have signed in now", NORA.known)
    proof = {"event_id": signs_in["id"], "source": "/chat"}
    moved = {"from": anonymous(NORA), "to": NORA.owner, "evidence": proof}
    return Step(
        "She signs in, mid-chat",
        [
            Act(
                "the same browser again, still no name",
                [
                    Newest(
                        "both chats are the anonymous customer's", "journeys", journey_of(anonymous(NORA), chatted),
                        {"contacts": [{"contact_id": "chat-nora-1"}, {"contact_id": "chat-nora-2"}]},
                    )
                ],
                [before],
            ),
            Act(
                "she signs in",
                [
                    Told(
                        "the chat goes from the anonymous customer to Nora, for she said who she is",
                        "identity.changes", {"contact_id": "chat-nora-2"},
                        [moved | {"rule": "customer-id", "path": []}],
                    ),
                    Told(
                        "the earlier chat follows, by a link: browser to customer",
                        "identity.changes", {"contact_id": "chat-nora-1"},
                        [moved | {"rule": "linked", "identifier": NORA.identifier,
                                  "path": [{"identifier": NORA.owner, **proof}]}],
                    ),
                    Gone("the old owner has taken both back", "journeys", [journey_of(anonymous(NORA), chatted)]),
                    Newest(
                        "Nora's journey has them", "journeys", journey_of(NORA.owner, chatted),
                        {"contacts": [{"contact_id": "chat-nora-1"}, {"contact_id": "chat-nora-2"}]},
                    ),
                ],
                [signs_in],
            ),
        ],
    )  # fmt: skip


def shared_line(at: int) -> Step:
    """A family's phone."""
    number, reason = MARTA.identifier, f"{MARTA.identifier} is shared by 2 customers"
    toms = call("call-tom", at + MINUTE_MS, TOM.known)
    martas = journey_of(MARTA.owner, at)
    return Step(
        "A call from a phone that two customers share",
        [
            Act(
                "Marta calls and says who she is",
                [
                    Newest("the call is hers", "journeys", martas, {"contacts": [{"contact_id": "call-marta"}]}),
                    Told(
                        "and her number stands for her", "identity.changes", {"identifier": number, "contact_id": ""},
                        [{"to": MARTA.owner}],
                    ),
                ],
                call("call-marta", at, MARTA.known),
            ),
            Act(
                "somebody calls from her number",
                [
                    Newest(
                        "as long as one customer is known by it, the call is hers", "journeys", martas,
                        {"contacts": [{"contact_id": "call-marta"}, {"contact_id": "call-home-1"}]},
                    )
                ],
                call("call-home-1", at + 30 * SECOND_MS, MARTA.named),
            ),
            Act(
                "Tom calls from the same number and says who he is",
                [
                    Told(
                        "the number stands for nobody any more, and it is said why",
                        "identity.changes", {"identifier": number, "contact_id": ""},
                        [{"to": MARTA.owner},
                         {"from": MARTA.owner, "to": "nobody", "rule": "shared", "reason": reason}],
                    ),
                    Told(
                        "the call that was taken for Marta's is given back",
                        "identity.changes", {"contact_id": "call-home-1"},
                        [{"from": MARTA.owner, "to": "contact:voice:call-home-1", "rule": "shared", "reason": reason,
                          "evidence": {"event_id": toms[0]["id"], "source": "/pbx"}}],
                    ),
                    Newest("Marta keeps hers", "journeys", martas, {"contacts": [{"contact_id": "call-marta"}]}),
                    Newest(
                        "Tom has his own", "journeys", journey_of(TOM.owner, at + MINUTE_MS),
                        {"contacts": [{"contact_id": "call-tom"}]},
                    ),
                ],
                toms,
            ),
            Act(
                "somebody calls from it again",
                [
                    Newest(
                        "the call is nobody's customer from the start",
                        "journeys", journey_of("contact:voice:call-home-2", at + 2 * MINUTE_MS),
                        {"contacts": [{"contact_id": "call-home-2"}]},
                    ),
                    Told("nothing had to move for that", "identity.changes", {"contact_id": "call-home-2"}, ()),
                ],
                call("call-home-2", at + 2 * MINUTE_MS, TOM.named),
            ),
        ],
    )  # fmt: skip


def wrong_merge(at: int) -> Step:
    """Somebody links what is of two persons, and cuts it again."""
    calls, mail = (
        call("call-carla", at, CARLA.known),
        message("mail-sam", at + 10 * SECOND_MS, "where is the invoice?", STRANGER.named, channel="email"),
    )
    linked, cut = (_word(what, at + after) for what, after in (("linked", 30 * SECOND_MS), ("cut", MINUTE_MS)))
    stranger, both = anonymous(STRANGER), [CARLA.owner, anonymous(STRANGER)]
    carlas, strangers = started = [(CARLA.owner, at), (stranger, at + 10 * SECOND_MS)]
    path = [
        {"identifier": CARLA.identifier, "event_id": linked["id"], "source": "/crm"},
        {"identifier": CARLA.owner, "event_id": calls[0]["id"], "source": "/pbx"},
    ]
    told_first = [
        Newest("the call is Carla's", "journeys", journey_of(*carlas), {"contacts": [{"contact_id": "call-carla"}]}),
        Newest(
            "the e-mail is a stranger's", "journeys", journey_of(*strangers), {"contacts": [{"contact_id": "mail-sam"}]}
        ),
    ]
    into, out_of = {"from": stranger, "to": CARLA.owner, "path": path}, {"from": CARLA.owner, "to": stranger}
    return Step(
        "A wrong merge, and its undoing",
        [
            Act("Carla calls, and a stranger writes", told_first, [*calls, mail], settled=True),
            Act(
                "an agent links the stranger's address with Carla's number",
                [
                    Told(
                        "the e-mail is taken for Carla's, over two links, and the word is the first of them",
                        "identity.changes", {"contact_id": "mail-sam"}, [into | {"rule": "linked"}],
                    ),
                    Newest(
                        "her journey has it: wrong, and as was said", "journeys", journey_of(*carlas),
                        {"contacts": [{"contact_id": "call-carla"}, {"contact_id": "mail-sam"}]},
                    ),
                    Gone("the stranger has nothing left", "journeys", [journey_of(*strangers)]),
                ],
                [linked],
                remember="before the link",
            ),
            Act(
                "the link is cut",
                [
                    Told(
                        "the e-mail goes back", "identity.changes", {"contact_id": "mail-sam"}, [into, out_of],
                    ),
                    Alike(
                        "both journeys say what they said before the link", "journeys",
                        [(journey_of(*each), journey_of(*each)) for each in started], "before the link",
                    ),
                    Alike(
                        "so do both segments", "segments", [(owner, owner) for owner in both], "before the link",
                    ),
                ],
                [cut],
            ),
            Act(
                "the same is told once more, without the link, as a replay",
                [
                    Alike(
                        "both journeys say what they say where there never was one", "journeys",
                        [(journey_of(*each), journey_of(*each, AS_IF)) for each in started],
                    ),
                ],
                in_order(calls, [mail]),
                line=AS_IF,
                until=at + 5 * MINUTE_MS,
            ),
        ],
    )  # fmt: skip


def _word(what: str, at: int) -> Event:
    data = {
        "identifier": STRANGER.identifier,
        "other": CARLA.identifier,
        "reason": "took one for the other" if what == "linked" else "they are two persons",
        "by": "agent-7",
    }
    return event(f"identity.{what}", "word-1", at, "/crm", data)
