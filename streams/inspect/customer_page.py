"""One customer on one screen, for a person to read; ``--json`` has every field."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.text import Text

from streams.base.times import iso
from streams.inspect.customer import CHANGES, FIRST, Customer, Link
from streams.inspect.erasures import sentence
from streams.inspect.nodes import Word
from streams.local.text import Terminal, shown

Doc = Mapping[str, Any]
MOST = 8
"""Lines of one sort; how many more there are is said."""
REASONS = 4
"""Of a score, or of a recommendation."""
TIERS_FROM = {
    "crm": "a profile gave it",
    "value": "it follows from the customer's value",
    "contact": "a contact's events said it",
    "none": "nothing says one",
}


def show(found: Customer, console: Terminal) -> None:
    """The owner and the evidence, then what is published."""
    head = (shown(found.identifier), "bold"), " → ", (shown(found.owner), "bold"), f": {found.reason}"
    console.print(Text.assemble(*head), soft_wrap=True)
    for proof in found.erased:
        console.print(Text(sentence(found.owner, proof)), soft_wrap=True)
    _listed(console, [f"path: {_link(each)}" for each in found.path])
    _listed(console, [f"links: {_link(each)}" for each in _once(found)])
    _listed(console, [f"a person's word: {_word(each)}" for each in found.words])
    for title, lines in _parts(found.published):
        console.print(Text(title, style="bold"))
        _listed(console, lines or ["none"])
    if any(found.published.values()):
        rest = [f"{topic} {len(docs)}" for topic, docs in found.published.items() if docs and topic not in FIRST]
        more = f", and records of other topics ({', '.join(rest)})" if rest else ""
        console.note(f"all fields{more}: --json")


def _listed(console: Terminal, lines: list[str]) -> None:
    for line in lines[:MOST]:
        console.print(Text(f"  {shown(line)}"), soft_wrap=True)
    if len(lines) > MOST:
        console.print(Text(f"  … and {len(lines) - MOST} more: --json"))


def _parts(published: Mapping[str, list[dict[str, Any]]]) -> Iterator[tuple[str, list[str]]]:
    segments, advice = published.get("segments", []), published.get("recommendations", [])
    current = [each for each in advice if each["status"] == "current" and each["because"] != "left"]
    yield "standing", [line for each in segments for line in _standing(each)]
    latest = sorted(published.get("journeys", []), key=lambda each: (each["updated"], each["started"]), reverse=True)
    yield "journeys", [_journey(each) for each in latest]
    yield "recommended now", [line for each in current for line in _recommended(each)]
    yield "alerts that fire", [_alert(each) for each in published.get("alerts", [])]
    yield "promises", list(_promises(advice, published.get("outreach", [])))


def _standing(doc: Doc) -> Iterator[str]:
    yield f"tier {doc['tier']}: {TIERS_FROM.get(doc['tier_from'], doc['tier_from'])}"
    why = f": {', '.join(doc['reasons'])}" if doc["reasons"] else ""
    ahead = f", ahead of the next by {doc['confidence']:g}" if doc["type"] != "none" else ": too little speaks for any"
    yield f"type {doc['type']}{ahead}{why}"
    parts = (f"{each['what']} {each['contribution']:g}" for each in doc["contributions"][:REASONS])
    yield f"score {doc['score']:g} of 100, {doc['segment']}: {', '.join(parts)} ({_at(doc['updated'])})"
    if feeling := ", ".join(_trend(doc.get("sentiment_trend") or {})):
        yield f"feeling {feeling}"


def _journey(doc: Doc) -> str:
    counts, about = doc["counts"], doc["topic"] or doc["intent"]
    waits = f"waits for {doc['waiting_for']}" if doc["waiting_for"] else ""
    said = (
        f"{_at(doc['started'])} – {_at(doc['updated'])} {doc['state'].replace('_', ' ')}",
        about or "",
        " → ".join(doc["channels"]),
        f"{counts['contacts']} contact{'s' if counts['contacts'] != 1 else ''}",
        f"{counts['abandoned']} abandoned" if counts["abandoned"] else "",
        f"{counts['transfers']} transferred" if counts["transfers"] else "",
        f"waited {duration(doc['wait_ms'])}" if doc["wait_ms"] else "",
        f"mood {doc['sentiment']:g}" if doc["sentiment"] is not None else "",
        *_trend(doc.get("sentiment_trend") or {}),
        waits,
    )
    return ", ".join(each for each in said if each)


def _trend(doc: Doc) -> Iterator[str]:
    if doc.get("slope"):
        yield f"{doc['slope']:+g} a message"
    if doc.get("turned"):
        yield f"turned by {doc['turn']:+g} at {_at(doc['turned'])}"
    if doc.get("negative_streak"):
        yield f"{doc['negative_streak']} negative in a row since {_at(doc['negative_since'])}"


def _recommended(doc: Doc) -> Iterator[str]:
    agent = f"agent {doc['agent_id']}" if doc["agent_id"] else doc["agent_kind"] and f"agent: {doc['agent_kind']}"
    limit, amount = doc["wait_limit_ms"], doc["empowerment_cents"]
    said = (
        f"{doc['channel']} {doc['contact_id']}: service {doc['service']}, priority {doc['priority']}",
        f"within {duration(limit)}" if limit is not None else "",
        f"best by {', '.join(doc['channels'])}" if doc["channels"] else "",
        agent or "",
        "concierge" if doc["concierge"] else "",
        "a human at once" if doc["live"] else "",
        f"up to {amount / 100:,.2f} {doc['currency'] or ''}".rstrip() if amount else "",
    )
    yield ", ".join(each for each in said if each)
    if doc["reasons"]:
        yield "because " + ", ".join(
            f"{each['because']} {each['value']} ({each['of']})" for each in doc["reasons"][:REASONS]
        )


def _alert(doc: Doc) -> str:
    subject = doc["subject"]
    contact = " ".join(each for each in (subject["channel"], subject["contact_id"], subject["queue"]) if each)
    unit = f"{duration(doc['value'])} (limit {duration(doc['limit'])})" if doc["unit"] == "ms" else (
        f"{doc['value']:g} {doc['unit']} (limit {doc['limit']:g})"
    )  # fmt: skip
    stands = f"{doc['rule']}, {doc['state']}, {doc['severity']}"
    return f"{stands}, since {_at(doc['since'])}: {unit}{contact and f', {contact}'}"


def _promises(advice: Iterable[Doc], outreach: Iterable[Doc]) -> Iterator[str]:
    """Those that a recommendation tells of, and what the initiative does about them."""
    for doc in advice:
        for each in doc["promises"] or ():
            yield f"{each['about'] or each['promise_id']}, due {_at(each['due'])}"
    for doc in outreach:
        if doc["after"] == "promise-due":
            why = f" ({doc['reason']})" if doc["reason"] else ""
            yield f"{doc['about'] or doc['trigger']} was due {_at(doc['triggered_at'])}; outreach: {doc['status']}{why}"


def _once(found: Customer) -> Iterator[Link]:
    """Links of events, each once, though both ends have it, and without those of the path."""
    told = {frozenset((each.identifier, each.to)) for each in found.path} | {word.pair for word in found.words}
    for each in found.links:
        pair = frozenset((each.identifier, each.to))
        if pair not in told:
            told.add(pair)
            yield each


def _link(link: Link) -> str:
    said = f"{iso(link.time)} {link.source} {link.event_id}" if link.event_id else "events that are forgotten"
    return f"{link.identifier} – {link.to} ({said})"


def _word(word: Word) -> str:
    """By whom and why."""
    what = "linked" if word.linked else "cut, also for what is seen later"
    said = word.said or f"by whom and why is no longer in {CHANGES}"
    return f"{word.identifier} – {word.other} {what} ({said}; {iso(word.time)} {word.source} {word.event_id})"


def _at(time: str) -> str:
    return f"{time[:10]} {time[11:16]}"


def duration(ms: float) -> str:
    """``1 h 5 min``, ``2 min 10 s``, ``45 s``."""
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
