"""The themes of stories: what hurt once, and what might."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from streams.base.times import iso
from tests.chaos import stories as chaos
from tests.fuzz.stories import LIVE_TOPICS, START, STEP, STEPS, Event, Raw, Teller, encode, now_of
from tests.fuzz.values import FILL, TEXTS, TIMES, WHOLES, schemas


def tell(seed: int, size: float = 1.0) -> list[Raw]:
    """The story of a seed in the order of its steps; ``size`` = how large its largest parts are, 1 = as large as ever
    found to hurt.
    """
    teller = Teller(seed, size)
    themes = teller.dice.sample(sorted(THEMES), teller.dice.choice((1, 1, 2, 3)))
    found = [raw for theme in ["mixed", *themes] for raw in THEMES[theme](teller)]
    found += [teller.spoiled(raw) for raw in teller.dice.sample(found, len(found) // 20)]
    found += [replace(raw, step=teller.step()) for raw in teller.dice.sample(found, len(found) // 20)]
    teller.dice.shuffle(found)
    return sorted(found, key=lambda raw: raw.step)


def mixed(teller: Teller) -> Iterator[Raw]:
    """Events of every type, each field as it comes."""
    for _ in range(60):
        step = teller.step()
        event = teller.draw(step).event(teller.dice.choice(sorted(schemas())))
        if str(event.get("type")).startswith("replay."):
            yield from marked(teller, step, event)
        else:
            yield teller.raw(step, event)


def marked(teller: Teller, step: int, event: Event) -> Iterator[Raw]:
    """A marker on the topics it names."""
    data = event.get("data")
    topics = data.get("topics") if isinstance(data, dict) else None
    for topic in topics if isinstance(topics, list) else ["contacts.voice"]:
        if topic in LIVE_TOPICS:
            yield Raw(step, str(topic), None, encode(event))


def lives(teller: Teller) -> Iterator[Raw]:
    """Contacts as they are, with now and then a field that is odd."""
    for number in range(6):
        story = chaos.any_story(teller.dice, f"life-{number}", raising=False)
        line = teller.dice.choice((None, None, "r-1"))
        start = now_of(teller.step())
        for moment, (after, kind, _) in enumerate(story.moments):
            event = story.event(moment, start + 20 * after, line)
            odd = teller.draw(0).event(kind)
            if teller.dice.random() < 0.2 and isinstance(odd.get("data"), dict) and odd["data"]:
                name = teller.dice.choice(sorted(odd["data"]))
                event["data"][name] = odd["data"][name]
            yield teller.raw(min(STEPS - 1, (start - START + 20 * after) // STEP), event)


def alternating(teller: Teller) -> Iterator[Raw]:
    """A contact that is another customer's with each event."""
    whose = teller.names["customer_id"][: teller.dice.randint(2, 5)]
    for number in range(teller.amount(400)):
        step = number * STEPS // 400
        data = {
            "contact_id": "to-and-fro",
            "channel": "chat",
            "customer_id": whose[number % len(whose)],
            "queue": "q-1",
        }
        kind = teller.dice.choice(("contact.queued", "contact.held", "message.sent", "contact.connected"))
        extra = {"direction": "inbound", "author": "customer", "sentiment": -0.9} if kind == "message.sent" else {}
        yield teller.raw(step, teller.event(kind, step, data | extra))


def vocabulary(teller: Teller) -> Iterator[Raw]:
    """Waits in very many queues, or of very many tiers in one, with the longest names."""
    fill = teller.dice.choice(FILL)
    one_queue = teller.dice.random() < 0.5
    for number in range(teller.amount(1500)):
        name = (str(number) + fill * 200)[:200].strip()
        data = {"contact_id": f"v-{number}", "channel": "voice", "queue": "q-1" if one_queue else name, "tier": name}
        step = teller.step()
        yield teller.raw(step, teller.event("contact.queued", step, data))


def lines(teller: Teller) -> Iterator[Raw]:
    """Replays in numbers: begun, moved on, ended or not, some of them in advance, with events at the ends of time."""
    times = ("1970-01-01T00:00:01Z", "2019-12-31T23:59:59Z", "2099-12-31T00:00:00Z", iso(START))
    for number in range(teller.amount(400)):
        line = (f"{number}-" + "l" * 100)[:100] if number % 2 else f"line-{number}"
        topics = teller.dice.sample(LIVE_TOPICS, teller.dice.randint(1, 3))
        for kind in ("replay.started", "replay.progressed", "replay.ended", "contact.queued", "replay.ended"):
            step, at = teller.step(), teller.dice.choice(times)
            if kind == "contact.queued":
                data = {"contact_id": f"c-{number % 5}", "channel": topics[0].removeprefix("contacts."), "queue": "q-1"}
                yield teller.raw(step, teller.event(kind, step, data, replayid=line, time=at))
            elif teller.dice.random() < 0.6:
                made = teller.event(kind, step, {"replay_id": line, "topics": topics}, replayid=line, time=at)
                yield from marked(teller, step, made)


def crowd(teller: Teller) -> Iterator[Raw]:
    """One customer with hundreds of open contacts whose ids are as long as they may be."""
    for number in range(teller.amount(500)):
        contact = (f"{number}-" + teller.dice.choice(FILL).strip() * 200)[:200] or "x"
        for kind in ("contact.initiated", "contact.queued", "contact.connected"):
            step = teller.step()
            data = {"contact_id": contact, "channel": "chat", "customer_id": "crowd", "queue": "q-1", "tier": "gold"}
            yield teller.raw(step, teller.event(kind, step, data))


def history(teller: Teller) -> Iterator[Raw]:
    """One contact with thousands of events."""
    for number in range(teller.amount(3000)):
        step = number * STEPS // 3000
        kind = teller.dice.choice(
            ("message.sent", "contact.queued", "contact.held", "contact.resumed", "contact.connected")
        )
        said = {"direction": "inbound", "author": "customer", "text": "never again " * 10, "sentiment": -0.8}
        data = {
            "contact_id": "long",
            "channel": "chat",
            "customer_id": "k-1",
            "queue": f"q-{number % 3}",
            "tier": "gold",
        }
        yield teller.raw(step, teller.event(kind, step, data | (said if kind == "message.sent" else {})))


def wide(teller: Teller) -> Iterator[Raw]:
    """Events as large as they may be, of fields that nobody knows or of texts."""
    for number in range(teller.amount(6)):
        filler = teller.dice.choice(FILL)
        extra = {f"unknown-{field}": (filler * 2000)[:1900] for field in range(teller.amount(400))}
        texts = {"comment": (filler * 100_000)[:99_000], "subject": "1 2 3 4 " * 1000}
        data = {"contact_id": "wide", "channel": "chat", "customer_id": f"k-{number % 2}"}
        step = teller.step()
        more = extra if teller.dice.random() < 0.6 else texts
        yield teller.raw(step, teller.event("contact.held", step, data | more))


def sums(teller: Teller) -> Iterator[Raw]:
    """Many contacts whose figures are as large as they may be."""
    for number in range(teller.amount(600)):
        step, about = teller.step(), {"contact_id": f"s-{number}", "channel": "voice", "queue": "q-sums"}
        most = teller.dice.choice((7 * 86_400_000, *WHOLES))
        for kind, extra in (
            ("contact.queued", {}), ("contact.connected", {}), ("contact.wrapped_up", {"duration_ms": most}), ("contact.ended", {"by": "agent"}),
        ):  # fmt: skip
            yield teller.raw(step, teller.event(kind, step, about | extra))


def calendar(teller: Teller) -> Iterator[Raw]:
    """Times at the ends of what can be written, live, replayed, and inside an event's data."""
    for number in range(teller.amount(80)):
        step, at, line = teller.step(), teller.dice.choice(TIMES), teller.dice.choice((None, "r-1", "r-2"))
        about = {"contact_id": f"t-{number % 7}", "channel": "chat", "queue": "q-1", "customer_id": "k-1"}
        kind, extra = teller.dice.choice(
            (
                ("contact.queued", {}),
                ("contact.connected", {}),
                ("contact.callback_requested", {"scheduled_for": at}),
                ("contact.ended", {"by": "agent"}),
            )
        )
        yield teller.raw(
            step, teller.event(kind, step, about | extra, **({"time": at, "replayid": line} if line else {}))
        )
        marker = teller.event(
            "replay.progressed", step, {"replay_id": "r-1", "topics": ["contacts.chat"]}, time=at, replayid="r-1"
        )
        if number % 10 == 0:
            yield from marked(teller, step, marker)


def others(teller: Teller) -> Iterator[Raw]:
    """Profiles, agents and commands in numbers."""
    for number in range(teller.amount(300)):
        step, many = teller.step(), teller.dice.choice((1, 30, 3000))
        agent = {"agent_id": "a-1", "state": "busy", "queues": [f"{n}-{number % 3}" for n in range(many)]}
        profile = {
            "customer_id": "k-1",
            "tier": teller.dice.choice(TEXTS).strip() or "x",
            "preferences": {"p": "x" * 20 * many},
        }
        command = {
            "alert_id": teller.dice.choice(teller.names["alert_id"]),
            "action": "close",
            "by": "\U0001f600" * 200,
        }
        word = teller.dice.choice(("identity.linked", "identity.cut"))
        names = ("customer:k-1", "phone:+442079460001", "email:a@example.com", "phone:anonymous", "fax:1")
        pair = dict(zip(("identifier", "other"), teller.dice.choices(names, k=2), strict=True)) | {"reason": "x"}
        kind, data = teller.dice.choice(
            [("agent.state_changed", agent)] * (number % 20 == 0)
            + [("customer.profile_changed", profile), ("alert.commanded", command), (word, pair)]
        )
        yield teller.raw(step, teller.event(kind, step, data))


THEMES: Mapping[str, Callable[[Teller], Iterator[Raw]]] = {
    theme.__name__: theme
    for theme in (mixed, lives, alternating, vocabulary, lines, crowd, history, wide, sums, calendar, others)
}
