"""Whose contact it is, through the agents: names of contacts, crowds, stubs; the same however the log is cut."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.data import CHANNELS
from streams import app
from streams.base.records import Event, Line, Progress
from streams.base.times import DAY_MS, HOUR_MS
from streams.identity.owners import ContactOwner
from streams.pipeline.owned import Owners
from streams.worker.metrics import Metrics
from tests.support.offline import NOW, RULES, SETTINGS, TaskUnderTest, fetched, limited, the_ingest, through
from tests.support.records import Fetched, record
from tests.support.system import event as cloud_event

FEW = replace(
    RULES,
    customers=replace(RULES.customers, contacts=replace(RULES.customers.contacts, per_identifier_and_day=3)),
)


def stage(metrics: Metrics | None = None) -> TaskUnderTest:
    inlets = app.inlets(SETTINGS, FEW, metrics or Metrics(), None)
    return TaskUnderTest(next(inlet for inlet in inlets if inlet.name == "identify"))


def event(ident: str, contact: str, time: int, *identifiers: tuple[str, str], **more: Any) -> Event:
    more = {"type": "contact.queued", "channel": "voice", "source": "/pbx", "queue": "q"} | more
    return Event(id=ident, time=time, contact=contact, identifiers=identifiers, **more)


def until(at: int, line: str = "") -> Progress:
    return Progress("up-0", 1, {line: Line(at)})


def read(told: list[Any]) -> list[Fetched]:
    return [record(offset=n, key=b"k", value=msgspec.json.encode(each)) for n, each in enumerate(told)]


def owners_of(task: TaskUnderTest) -> dict[str, str]:
    return {key: row.owner for key, row in task.tables["owners"].items()}


def test_the_door_names_a_contact_by_channel_and_id() -> None:
    task = the_ingest()
    task.batch(fetched([cloud_event("contact.initiated", "1001", NOW / 1000)]))
    assert [key for topic, key, _ in task.sent if topic == "contact.normalised" and key] == [b"voice|1001"]


def test_one_id_on_two_channels_is_two_contacts_of_two_people() -> None:
    task = stage()
    told = [
        event("1", "1001", NOW, channel="chat", customer="alice", source="/chat"),
        event("1", "1001", NOW + 1, customer="bob"),
        event("2", "1001", NOW + 2, channel="chat", source="/chat"),
        event("2", "1001", NOW + 3),
        event("1", "7", NOW + 4, channel="chat"),
        event("1", "7", NOW + 5),
    ]
    task.batches(read(told), [(1, True)])
    assert owners_of(task) == {
        "chat|1001": "customer:alice", "voice|1001": "customer:bob",
        "chat|7": "contact:chat:7", "voice|7": "contact:voice:7",
    }  # fmt: skip
    sent = [(each["channel"], each["owner"]) for each in task.on("contact.interactions")]
    assert sent[:4] == [
        ("chat", "customer:alice"),
        ("voice", "customer:bob"),
        ("chat", "customer:alice"),
        ("voice", "customer:bob"),
    ]
    assert task.on("identity.changes") == []


@pytest.mark.parametrize("customers", [("7", "7"), ("7", "8")])
def test_two_contacts_of_one_id_count_as_two(customers: tuple[str, str]) -> None:
    """Events of one name at one moment, on two channels; of one customer and of two."""
    start = NOW / 1000 - 1800
    told = [
        cloud_event(kind, "1001", start + at, channel=channel, customer_id=customer, queue="q", tier="gold", **more)
        for channel, customer in zip(("voice", "chat"), customers, strict=True)
        for kind, at, more in (
            ("contact.queued", 0, {}),
            ("contact.connected", 200, {}),
            ("contact.ended", 260, {"by": "customer"}),
        )
    ]
    found = through(told, 100, restart=False)
    assert len({each["alert_id"] for each in found["alerts"]}) == 2
    assert {(each["channel"], each["status"]) for each in found["alerts"]} == {
        (channel, status) for channel in ("voice", "chat") for status in ("firing", "resolved")
    }
    listed = [(each["channel"], each["contact_id"]) for journey in found["journeys"] for each in journey["contacts"]]
    assert sorted(listed) == [("chat", "1001"), ("voice", "1001")]
    offered = {
        each["dimensions"]["channel"]: reading["value"]
        for each in found["kpis"]
        for reading in each["readings"]
        if each["window"]["length_ms"] == DAY_MS and reading["kpi"] == "contacts_offered" and reading["value"]
    }
    assert offered == {"voice": 1, "chat": 1}


@pytest.mark.parametrize("size", [1, 100])
def test_messages_of_one_name_and_moment_on_two_channels_say_the_same_whichever_comes_first(size: int) -> None:
    """One customer, two channels, ids counted alike: each message counts, and the alert's name does not turn on which
    topic was read first.
    """
    start = NOW / 1000 - 1800
    more: dict[str, Any] = {"direction": "inbound", "author": "customer", "queue": "q", "tier": "gold"}
    told = {
        channel: [
            cloud_event(
                "message.sent", "1001", start + n, channel=channel, customer_id="7", text="x", sentiment=-0.9, **more
            )
            | {"id": f"m{n}"}
            for n in range(5)
        ]
        for channel in ("chat", "messaging")
    }
    found = []
    for first, second in (("chat", "messaging"), ("messaging", "chat")):
        pairs = zip(told[first], told[second], strict=True)
        found.append(through([each for pair in pairs for each in pair], size, restart=False))
    alerts = [{each["alert_id"] for each in one["alerts"] if each["kind"] == "sentiment"} for one in found]
    assert alerts[0] == alerts[1]
    assert len(alerts[0]) == 1
    assert [one["journeys"][-1]["counts"]["messages"] for one in found] == [10, 10]


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("by_phone", [False, True])
def test_an_id_used_again_within_the_hour_is_another_customers_call(size: int, by_phone: bool) -> None:
    start = NOW / 1000 - 3000
    told = []
    for customer, at in (("+4989111111", start), ("+4930222222", start + 1500)):
        who: dict[str, Any] = {"identifiers": [{"kind": "phone", "value": customer}]}
        who = who if by_phone else {"customer_id": customer}
        about: dict[str, Any] = {"queue": "q"}
        told += [
            cloud_event("contact.initiated", "1001", at, **about),
            cloud_event("contact.queued", "1001", at + 1, **about),
            cloud_event("contact.connected", "1001", at + 31, **who, **about),
            cloud_event("contact.ended", "1001", at + 91, by="customer", **about),
        ]
    found = through(told, size, restart=False)
    counts = {each["customer"]: each["counts"] for each in found["journeys"]}
    assert {owner: (each["contacts"], each["answered"]) for owner, each in counts.items()} == {
        f"{'anonymous:phone' if by_phone else 'customer'}:{customer}": (1, 1)
        for customer in ("+4989111111", "+4930222222")
    }


def test_a_survey_system_on_the_channel_does_not_take_a_contact() -> None:
    metrics = Metrics()
    task = stage(metrics)
    told = [event("1", "c", NOW, customer="7"), event("s1", "c", NOW + 1, customer="8", source="/surveys")]
    told += [event(f"s{n}", "c", NOW + n, customer="9", source="/surveys") for n in range(2, 5)]
    task.batches(read(told), [(2, True)])
    assert {each["owner"] for each in task.on("contact.interactions")} == {"customer:7"}
    (change,) = task.on("identity.changes")
    assert (change["rule"], change["identifier"], change["channel"], change["since"]) == (
        ("other-source", "customer:8", "voice", None)
    )
    assert limited(metrics) == {("identify", "source"): 1}


def test_an_identifier_of_too_many_contacts_names_nobody() -> None:
    metrics = Metrics()
    task = stage(metrics)
    told = [event(f"{n}", f"c{n}", NOW + n, ("phone", "0")) for n in range(6)]
    told += [event(f"again{n}", f"c{n}", NOW + 10 + n, ("phone", "0")) for n in range(6)]
    told += [event("x", "c6", NOW + 20, ("phone", "0"), ("email", "a@x.example")), event("y", "c7", NOW, customer="0")]
    task.batches(read(told), [(2, True)])
    assert owners_of(task) == {
        **{f"voice|c{n}": "anonymous:phone:0" for n in range(3)},
        **{f"voice|c{n}": f"contact:voice:c{n}" for n in range(3, 6)},
        "voice|c6": "anonymous:email:a@x.example",
        "voice|c7": "customer:0",
    }
    (change,) = task.on("identity.changes")
    assert (change["rule"], change["identifier"], change["contact_id"]) == ("crowded-identifier", "phone:0", "c3")
    assert limited(metrics) == {("identify", "identifier"): 3}
    day = NOW // DAY_MS * DAY_MS + DAY_MS
    task.batch(read([event(f"z{n}", f"d{n}", day + n * DAY_MS, ("phone", "0")) for n in range(2)]))
    assert owners_of(task)["voice|d0"] == "contact:voice:d0", "those of the next morning are strangers, too"
    assert task.on("identity.changes")[-1]["contact_id"] == "d0", "told once for each day"
    assert owners_of(task)["voice|d1"] == "anonymous:phone:0", "after a quiet day it has a chance again"


def test_two_systems_that_count_their_contacts_alike_are_found_by_their_callers() -> None:
    """Two telephone systems on one channel, no customer ids: what they say of a contact is of two people."""
    metrics = Metrics()
    task = stage(metrics)
    told = [
        event("1", "1001", NOW, ("phone", "+4989111111")),
        event("1", "1001", NOW + 1, ("phone", "+4930222222"), source="/pbx-2"),
        event("2", "1001", NOW + 2, ("phone", "+4930222222"), source="/pbx-2"),
        event("3", "1001", NOW + 3, ("phone", "+4989333333")),
        event("1", "1002", NOW + 1, ("phone", "+4930222222"), source="/pbx-2"),
        event("1", "1002", NOW, ("phone", "+4989111111"), source="/pbx"),
    ]
    task.batches(read(told), [(1, True)])
    assert owners_of(task) == dict.fromkeys(("voice|1001", "voice|1002"), "anonymous:phone:+4989111111")
    refused = [each for each in task.on("identity.changes") if each["rule"] == "other-source"]
    assert [(each["contact_id"], each["identifier"], each["evidence"]["source"]) for each in refused] == [
        ("1001", "phone:+4930222222", "/pbx-2"), ("1002", "phone:+4930222222", "/pbx-2")
    ]  # fmt: skip
    assert {each["from"] for each in refused} == {each["to"] for each in refused} == {"anonymous:phone:+4989111111"}
    assert limited(metrics) == {}, "a second number is no sign of a fault by itself"


def test_many_contacts_of_one_customer_id_are_not_split() -> None:
    task = stage()
    task.batch(read([event(f"{n}", f"c{n}", NOW + n, ("phone", "0"), customer="0") for n in range(50)]))
    assert set(owners_of(task).values()) == {"customer:0"}
    assert len(task.tables["crowds"]) == 0


def test_a_record_that_is_taken_back_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    task, scheduled = stage(), Owners._scheduled

    def fails(self: Owners, key: str, state: ContactOwner) -> ContactOwner:
        if key == "voice|c2":
            raise ZeroDivisionError("our own fault")
        return scheduled(self, key, state)

    monkeypatch.setattr(Owners, "_scheduled", fails)
    task.batch(read([event(f"{n}", f"c{n}", NOW, ("phone", "0")) for n in range(4)]))
    assert set(owners_of(task)) == {"voice|c0", "voice|c1", "voice|c3"}
    assert list(task.tables["crowds"].values()) == [3]


def test_stubs_by_stream_time() -> None:
    task = stage()
    task.batch(read([event("1", "c", NOW, customer="7"), event("2", "c", NOW + 1, type="contact.ended")]))
    task.batch(read([until(NOW + 1 + HOUR_MS)]))
    row = task.tables["owners"]["voice|c"]
    assert len(row.history) == 2
    task.restart()
    task.batch(read([until(NOW + 2 + HOUR_MS)]))
    row = task.tables["owners"]["voice|c"]
    assert isinstance(row, ContactOwner)
    assert (row.history, row.due) == ((), {"": NOW + 1 + 14 * DAY_MS + HOUR_MS})
    task.restart()
    told = [event("3", "c", NOW + 13 * DAY_MS, type="feedback.given", source="/surveys")]
    task.batch(read([until(NOW + 13 * DAY_MS), *told]))
    assert task.on("contact.interactions")[-1]["owner"] == "customer:7"
    task.restart()
    task.batch(read([until(NOW + 27 * DAY_MS + HOUR_MS)]))
    assert len(task.tables["owners"]) == 1
    task.batch(read([until(NOW + 27 * DAY_MS + HOUR_MS + 1)]))
    assert len(task.tables["owners"]) == 0
    assert not [key for key in task.changelog if key.startswith(b"owners\0")]


def test_a_replay_that_is_forgotten_leaves_nothing() -> None:
    task = stage()
    gone = Progress("up-0", 1, {"r": Line(0, forgotten=True)})
    task.batch(read([event("1", "c", NOW, ("phone", "0"), line="r"), until(NOW + DAY_MS, "r")]))
    assert (len(task.tables["owners"]), len(task.tables["crowds"])) == (1, 1)
    task.batch(read([gone]))
    task.batch([])
    assert (len(task.tables["owners"]), len(task.tables["crowds"])) == (0, 0)


events = st.lists(
    st.one_of(
        st.builds(
            lambda n, contact, hours, phone, customer, channel, source, kind: event(
                f"e{n}",
                f"c{contact}",
                NOW + hours * HOUR_MS,
                *([("phone", phone)] if phone else []),
                customer=customer,
                channel=channel,
                source=source,
                type=kind,
            ),
            st.integers(0, 40),
            st.integers(0, 5),
            st.integers(0, 60),
            st.sampled_from(["", "0", "0", "1"]),
            st.sampled_from([None, None, None, "7", "8"]),
            st.sampled_from(["voice", "chat"]),
            st.sampled_from(["/pbx", "/crm"]),
            st.sampled_from(["contact.queued", "message.sent", "contact.ended", "feedback.given"]),
        ),
        st.builds(lambda hours: until(NOW + hours * HOUR_MS), st.integers(0, 400)),
    ),
    max_size=60,
)


def published(task: TaskUnderTest) -> dict[Any, list[Any]]:
    """By topic and key; without what it told itself: what is asked depends on what was answered."""
    found: dict[Any, list[Any]] = defaultdict(list)
    for topic, key, value in task.sent:
        if key is not None and topic != "identity.links":
            found[topic, key].append(value)
    return found


cuts_of_a_log = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(events, cuts_of_a_log, cuts_of_a_log)
def test_what_is_sent_is_a_function_of_the_log(
    log: list[Any], first: list[tuple[int, bool]], second: list[tuple[int, bool]]
) -> None:
    """Of which its own word to itself is a part: when that comes depends on the cuts of the first."""

    def said(task: TaskUnderTest) -> dict[Any, list[Any]]:
        found: dict[Any, list[Any]] = defaultdict(list)
        for topic, key, value in task.sent:
            if key is not None:
                grouped = topic == "contact.interactions" and value["kind"] == "grouped"
                found[topic, key, grouped].append(value)
        for (topic, _, grouped), values in found.items():
            if grouped or topic == "identity.links":  # contacts that are due at one moment are over in any order
                values.sort(key=repr)
        return found

    whole, cut = stage(), stage()
    whole.batches(read(log), first)
    cut.echo = False
    cut.batches(whole.seen, second)
    assert said(cut) == said(whole)
    for table in ("owners", "crowds", "nodes", "waiting"):
        assert dict(cut.tables[table].items()) == dict(whole.tables[table].items())
    assert not [*whole.tables["waiting"].items()]


@settings(max_examples=100, deadline=None)
@given(events)
def test_a_replay_whose_time_stands_says_the_same_as_one_whose_time_goes(log: list[Any]) -> None:
    """In order of event time; progress comes behind each event, or only at the end."""
    told = sorted((each for each in log if isinstance(each, Event)), key=lambda each: each.time)
    stands, goes = stage(), stage()
    stands.batch(read(told))
    goes.batch(read([one for each in told for one in (each, until(each.time - 1))]))
    assert published(stands) == published(goes)


def test_the_rows_of_the_version_before_can_be_read_and_end() -> None:
    """Under the bare id; what comes for such a contact begins it anew."""
    old = b'{"claim":[-1,%d,"1","/pbx","customer:7"],"history":[],"last":%d,"ended":true,"due":{"":%d}}'
    decode = msgspec.json.Decoder(ContactOwner).decode
    state = decode(old % (NOW, NOW, NOW + HOUR_MS))
    assert (state.owner, state.due) == ("customer:7", {"": NOW + HOUR_MS})


@pytest.mark.parametrize("channel", CHANNELS)
def test_no_channel_has_what_a_name_is_taken_apart_by(channel: str) -> None:
    assert not {"|", ":", "\x1f"} & set(channel)
