"""The end of the story: a person is to be forgotten, live and in all replays, also in those that are yet to come."""

import hmac
from collections.abc import Sequence
from hashlib import sha256

from schemas import registry
from streams.base.times import DAY_MS, MINUTE_MS, iso, to_ms
from streams.demo.story_parts import Act, Person, Step, by_line, call, event, journey_of, message
from streams.demo.story_past import BEGINS, BEN, LAST_CALL, LATER, PAST
from streams.demo.story_records import Alike, Gone, Newest, NotTold, Nowhere, Value

COMPACTED = tuple(spec.topic for spec in registry.topics().values() if spec.compacted)
"""Topics that keep the newest record of a key for good."""
CONTACTS = ("chat-nora", "call-nora")
"""So the ids of hers begin."""


def subject(key: bytes, name: str) -> str:
    """The hash that stands for a name in a proof, as docs/privacy.md has it."""
    return hmac.new(key, name.encode(), sha256).hexdigest()[:32]


def erased(nora: Person, journeys: tuple[int, Sequence[str]], at: int, key: bytes, kept_ms: int) -> Sequence[Step]:
    """She is erased; then older data of hers are replayed. ``journeys``: when hers began, and the names of others';
    ``kept_ms``: so long later nothing is left.
    """
    began, others = journeys
    names = (nora.customer, nora.known_by[1], *CONTACTS)
    request = event(
        "customer.erased", "letter-1", at, "/crm",
        {"customer_id": nora.customer, "reason": "asked for it by letter", "by": "privacy-desk"},
    )  # fmt: skip
    proof = {"subject": subject(key, nora.owner), "request": subject(key, f"/crm\x1f{request['id']}"), "until": iso(at)}
    of_past = by_line(PAST, nora.owner)
    hers = [journey_of(owner, began) for owner in (nora.owner, f"anonymous:{nora.identifier}")]
    hers.append(journey_of(nora.owner, LAST_CALL, PAST))
    forgets = Step(
        "She is to be forgotten",
        [
            Act(
                "Nora asks for it, and the desk sends customer.erased",
                [
                    Gone("her journeys are removed: live, and of last winter", "journeys", hers),
                    Gone("so is her segment", "segments", [nora.owner, of_past]),
                    Gone("and that she was quiet", "customer.quiet", [of_past]),
                    Newest(
                        "the proof is published: it names nobody, and says when nothing is left", "privacy.proofs",
                        proof["subject"],
                        proof | {"line": ""},
                        lambda value: _dated(value, at, kept_ms),
                        shows=("erased_at", "nothing_left_after"),
                    ),
                    Nowhere("no newest record of any compacted topic names her, her browser or a contact of hers",
                            COMPACTED, names),
                    Alike("others lose nothing", "journeys", [(each, each) for each in others], "before the erasure"),
                ],
                [request],
                remember="before the erasure",
            )
        ],
    )  # fmt: skip
    return forgets, _told_again(nora, names)


def _told_again(nora: Person, names: Sequence[str]) -> Step:
    """Data of the time before come back."""
    at = BEGINS - DAY_MS
    hers = [
        *call("call-nora-0", at, {"customer_id": nora.customer}),
        message("chat-nora-0", at + 10 * MINUTE_MS, "is anybody there?", nora.named),
    ]
    bens = call("call-ben-0", at + 20 * MINUTE_MS, BEN.known)
    return Step(
        "Older data of hers are replayed",
        [
            Act(
                "a call by her id, a chat by her browser, and a call of Ben's",
                [
                    Newest("Ben's call is his", "journeys", journey_of(BEN.owner, at + 20 * MINUTE_MS, LATER),
                           {"contacts": [{"contact_id": "call-ben-0"}]}),
                    NotTold("nothing of hers comes out, on no topic", LATER, names),
                    Nowhere("and still no newest record names her", COMPACTED, names),
                ],
                [*hers, *bens],
                LATER,
                at + DAY_MS,
                ends=True,
            )
        ],
    )  # fmt: skip


def _dated(value: Value, at: int, kept_ms: int) -> str:
    """What is wrong with the dates of a proof; empty: nothing."""
    gone, left = (to_ms(value[name]) for name in ("erased_at", "nothing_left_after"))
    if gone < at:
        return "erased before it was asked for"
    return "" if left == gone + kept_ms else f"expected nothing_left_after {iso(gone + kept_ms)}"
