"""Where the product and the reference differ, by kind, and the smallest history that shows it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.reference import stitches
from tests.reference.drive import Outcome, total
from tests.reference.events import History, moment
from tests.reference.model import Figure, Listed, Ratio, Truth
from tests.reference.sums import is_percentile

KINDS = {
    "legs": ("legs_entered", "abandonment.of_left", "abandonment.short", "time_to_abandon", "flow_out",
             "speed_of_answer.answered_legs", "speed_of_answer.p", "longest_wait", "service_level"),
    "waiting": ("service_level.reached_threshold",),
    "contacts": ("contacts_offered", "abandonment.of_offered", "answered_in_time", "speed_of_answer.all_contacts"),
    "counts": ("contacts_contained", "contacts_left", "contacts_reopened", "contacts_turned_away", "containment",
               "callbacks_kept"),
    "handle": ("handle_time", "transfer_rate"),
    "responses": ("first_response", "next_response"),
    "feedback": ("csat", "nps", "ces"),
    "sentiment": ("sentiment",),
    "days": (), "journeys": (), "alerts": (), "queues": (), "letters": (),
}  # fmt: skip
"""Kind of difference → the figures it is about. ``days``: the sum over all days is right, the days are not."""


ROUNDED = 0.0006
"""Means of journeys are published with three digits."""


@dataclass(frozen=True)
class Difference:
    kind: str
    what: str
    expected: object
    got: object

    @property
    def name(self) -> str:
        """The figure, without its place."""
        return self.what.rsplit("|", 1)[-1] if "|" in self.what else self.kind

    @property
    def sign(self) -> tuple[bool, bool]:
        return self.expected is None, self.got is None

    def __str__(self) -> str:
        return f"[{self.kind}] {self.what}: expected {self.expected}, got {self.got}"


def kind_of(figure: str) -> str:
    """The most exact one."""
    best = max(
        ((len(start), kind) for kind, starts in KINDS.items() for start in starts if figure.startswith(start)),
        default=(0, ""),
    )
    return best[1]


def differences(truth: Truth, came: Outcome) -> list[Difference]:
    return [
        *figures(truth, came),
        *journeys(truth, came),
        *apart(truth, came),
        *alerts(truth, came),
        *queues(truth, came),
        *(Difference("letters", "a dead letter", None, f"{x['reason']}: {x['message']}") for x in came.letters[:3]),
    ]


def same(figure: Figure, want: Ratio | None, got: Ratio | None) -> bool:
    """Percentiles are published within 1 %, all others exactly."""
    if want is None or got is None or not is_percentile(figure[3]):
        return want == got
    return want[1] == got[1] and abs(want[0] - got[0]) * 100 <= want[0]


def figures(truth: Truth, came: Outcome) -> list[Difference]:
    want, got = total(truth.days), total(came.days)
    asked = {name for name in {*want, *got} if kind_of(name[3])}
    wrong = [
        Difference(kind_of(name[3]), "|".join(name), want.get(name), got.get(name))
        for name in sorted(asked)
        if not same(name, want.get(name), got.get(name))
    ]
    bad = {one.what for one in wrong}
    for day in sorted({*truth.days, *came.days}):
        figure: Figure = day[1:]  # type: ignore[assignment]
        if (
            figure in asked
            and "|".join(figure) not in bad
            and not same(figure, truth.days.get(day), came.days.get(day))
        ):
            expected, got_day = truth.days.get(day), came.days.get(day)
            wrong.append(Difference("days", f"{day[0]}|{'|'.join(figure)}", expected, got_day))
    return wrong


def named(owner: str, contacts: list[tuple[str, str]]) -> str:
    """Contacts that are nobody's own their journeys by whatever spelling of their name."""
    return f"contact:{contacts[0][0]}:{contacts[0][1]}" if owner.startswith("contact:") and contacts else owner


def journeys(truth: Truth, came: Outcome) -> list[Difference]:
    got: dict[str, list[Listed]] = {}
    wrong: list[Difference] = []
    for owner, record in came.journeys.items():
        listed = [
            Listed(
                c["channel"], c["contact_id"], c["queue"], moment(c["started"]), c["outcome"], c["wait_ms"],
                c["talk_ms"], c["messages"], c["transfers"], c["sentiment"], c["hold_ms"], c["wrap_ms"],
                c["stitched_by"],
            )
            for c in record["contacts"]
        ]  # fmt: skip
        owner = named(owner, [(c.channel, c.contact) for c in listed])  # noqa: PLW2901
        got[owner] = listed
        wrong += whole(owner, truth, record) if owner in truth.journeys else []
    want = truth.journeys
    for owner in sorted({*want, *got}):
        mine = sorted(want.get(owner, []), key=lambda c: (c.started, c.channel, c.contact))
        its = sorted(got.get(owner, []), key=lambda c: (c.started, c.channel, c.contact))
        if [c.contact for c in mine] != [c.contact for c in its]:
            wrong.append(
                Difference("journeys", f"contacts of {owner}", [c.contact for c in mine], [c.contact for c in its])
            )
            continue
        for one, other in zip(mine, its, strict=True):
            for name in ("talk", "hold", "wrap"):
                if getattr(one, name) is None:
                    setattr(other, name, None)
            if one.mood is not None and other.mood is not None and abs(one.mood - other.mood) <= ROUNDED:
                other.mood = one.mood
            for name, said in vars(one).items():
                if said != vars(other)[name]:
                    place = f"{owner}|{one.channel}|{one.contact}|{name}"
                    wrong.append(Difference("journeys", place, said, vars(other)[name]))
    return wrong


def apart(truth: Truth, came: Outcome) -> list[Difference]:
    """Which contacts are of one journey, of all journeys."""
    got: dict[str, list[list[tuple[str, str, int]]]] = {}
    for record in came.told:
        its = [(c["channel"], c["contact_id"], moment(c["started"])) for c in record["contacts"]]
        owner = named(record["customer"], [(channel, contact) for channel, contact, _ in its])
        got.setdefault(owner, []).append(its)
    wrong = [
        Difference(
            "journeys", f"journeys of {owner}", sorted(truth.stitched.get(owner, [])), sorted(got.get(owner, []))
        )
        for owner in sorted({*truth.stitched, *got})
        if sorted(truth.stitched.get(owner, [])) != sorted(got.get(owner, []))
    ]
    return wrong + steps(truth, came)


def steps(truth: Truth, came: Outcome) -> list[Difference]:
    """The steps that hold say the same, and each was told once."""
    want = {
        owner: sorted(sorted((channel, contact) for channel, contact, _ in one) for one in its)
        for owner, its in truth.stitched.items()
    }
    got = {named(owner, its[0]): its for owner, its in stitches.by_steps(came.steps).items()}
    wrong = [Difference("journeys", f"step {name}", "once", "twice") for name in stitches.twice(came.steps)]
    return wrong + [
        Difference("journeys", f"steps of {owner}", want.get(owner), got.get(owner))
        for owner in sorted({*want, *got})
        if want.get(owner) != got.get(owner)
    ]


def whole(owner: str, truth: Truth, record: dict[str, Any]) -> list[Difference]:
    """What a journey says of all its contacts together."""
    mine, (switches, repeats) = truth.journeys[owner], truth.along[owner]
    want = {
        "switches": switches,
        "repeats": repeats,
        "contacts": len(mine),
        "answered": sum(c.outcome == "answered" for c in mine),
        "abandoned": sum(c.outcome == "abandoned" for c in mine),
        "messages": sum(c.messages for c in mine),
        "transfers": sum(c.transfers for c in mine),
        "wait_ms": sum(c.wait for c in mine),
        "channels": list(dict.fromkeys(c.channel for c in mine)),
    }
    got = record["counts"] | {name: record[name] for name in ("wait_ms", "channels", "switches", "repeats")}
    return [
        Difference("journeys", f"{owner}|journey {name}", said, got[name])
        for name, said in want.items()
        if said != got[name]
    ]


def alerts(truth: Truth, came: Outcome) -> list[Difference]:
    """Those that stand: what was withdrawn, or went to another owner, is no final state of a wait."""
    got = {}
    for one in came.alerts:
        if one["kind"] == "sentiment" and one["reason"] != "withdrawn":
            got[one["customer"], "", "", moment(one["since"])] = one["reason"] or one["status"]
        elif one["reason"] not in ("withdrawn", "moved"):
            owner = one["customer"]
            owner = named(owner, [(one["channel"], one["contact_id"])])
            got[owner, one["contact_id"], one["queue"], moment(one["since"])] = one["reason"] or one["status"]
    want = truth.alerts
    if not truth.in_order:
        want, got = ({name: how for name, how in each.items() if how == "firing"} for each in (want, got))
    return [
        Difference("alerts", str(name), want.get(name), got.get(name))
        for name in sorted({*want, *got})
        if want.get(name) != got.get(name)
    ]


def queues(truth: Truth, came: Outcome) -> list[Difference]:
    wrong = []
    for name in sorted({*truth.queues, *came.queues}):
        want = truth.queues.get(name, (0, 0, {}))
        record = came.queues.get(name)
        got = (0, 0, {}) if record is None else (
            record["depth"], moment(record["oldest_entered"]) if record["oldest_entered"] else 0, record["by_tier"]
        )  # fmt: skip
        if want != got:
            wrong.append(Difference("queues", "|".join(name), want, got))
    return wrong


def smallest(told: History, still: Callable[[History], bool], seconds: float) -> History:
    """Fewer events as long as it still differs: whole contacts first, then ever shorter runs of events."""
    until = time.monotonic() + seconds
    named: dict[tuple[str, str], set[int]] = {}
    for number, event in enumerate(told.events):
        named.setdefault((event.topic, event.key.decode()), set()).add(number)
    gone: set[int] = set()
    for some in named.values():
        if time.monotonic() < until and len(gone | some) < len(told.events) and still(told.without(gone | some)):
            gone |= some
    told = told.without(gone)
    size = max(1, len(told.events) // 2)
    while size and time.monotonic() < until:
        start = 0
        while start < len(told.events) and time.monotonic() < until:
            shorter = told.without(set(range(start, start + size)))
            if shorter.events and still(shorter):
                told = shorter
            else:
                start += size
        size //= 2
    return told
