"""``contact-streams customer``: where somebody is known, what persons said, and what is no name of anybody."""

from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from schemas import registry
from streams.base.links import Joined, Label, Word, row_key
from streams.cli.main import app
from streams.identity.erased import mark
from streams.identity.graph import Node, fold
from tests.support.held import Held

ANN, NUMBER, MAIL = "customer:ann", "phone:+442079460022", "email:a@example.com"


def run(*arguments: str, **env: str) -> tuple[int, str, str]:
    given = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "COLUMNS": "300", **env}
    done = CliRunner().invoke(app, ["customer", *arguments], env=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr.strip()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    found = Held()
    found.instead(monkeypatch)
    return found


def example(topic: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    return topic, {"line": "", **registry.topics()[topic].examples[0].value, **changes}


def journey(customer: str, line: str) -> tuple[str, dict[str, Any]]:
    return example("journeys", customer=customer, line=line)


def alert(line: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    topic, doc = example("alerts", line=line, **changes)
    return topic, doc | {"subject": doc["subject"] | {"customer": ANN}}


def said(held: Held, one: str, other: str, *, on: bool) -> None:
    """A person's word, as `identify` keeps and tells it."""
    ref = 1_772_445_600_000, "word-1", "/crm"
    told = Word(one, "", other, ref, on)
    held.rows["nodes", row_key(one)] = fold(None, told).node
    held.rows["worded", row_key(other)] = (one,)
    if on:
        held.rows["nodes", row_key(other)] = fold(None, Joined(other, "", one, ref, on=True)).node
    change = example(
        "identity.changes",
        contact_id="",
        identifier=one,
        rule="link" if on else "cut",
        evidence={"event_id": "word-1", "source": "/crm"},
        reason="ann: oops",
    )
    held.records.append(change)


def test_somebody_known_on_another_line_is_found_there(held: Held) -> None:
    held.records += [journey("customer:C7", "demo-7-x"), journey("customer:C8", "week-5")]
    code, _, err = run("show", "customer:C7")
    assert code == 1
    assert err == "nothing is known of customer:C7 on the line live; it is known with --line demo-7-x"
    assert run("show", "customer:C7", "--line", "demo-7-x")[0] == 0
    assert "on the line live; there are the replays demo-7-x, week-5" in run("show", "customer:C9")[2]
    assert "on the line winter; it is known with --line demo-7-x" in run("show", "C7", "--line", "winter")[2]


def test_the_live_line_is_one_of_the_others(held: Held) -> None:
    held.records.append(journey("customer:C7", ""))
    assert "it is known with --line live" in run("show", "C7", "--line", "winter")[2]
    assert run("show", "C7", "--line", "live")[0] == 0


def test_a_record_of_another_line_takes_no_place(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.held.key_of", lambda number, doc: b"one key")
    held.records += [alert(""), alert("week-5")]
    assert "high-tier-wait, firing" in run("show", ANN)[1]
    assert "high-tier-wait, firing" in run("show", ANN, "--line", "week-5")[1]


def test_an_identifier_is_known_on_a_line_by_its_links(held: Held) -> None:
    node = Node(edges={}, label=Label(customers=(ANN,), hops=1, path=((ANN, (1, "e", "/s")),)))
    held.rows["nodes", row_key(NUMBER, "week-5")] = node
    assert "it is known with --line week-5" in run("show", NUMBER)[2]


@pytest.mark.parametrize("asked", [NUMBER, ANN])
def test_a_cut_is_shown_with_who_said_it_and_why(held: Held, asked: str) -> None:
    said(held, NUMBER, ANN, on=False)
    code, out, err = run("show", asked)
    assert (code, err) == (0, "")
    assert f"a person's word: {NUMBER} – {ANN} cut, also for what is seen later (ann: oops; " in out
    assert "/crm word-1" in out
    assert "links:" not in out


@pytest.mark.parametrize("asked", [NUMBER, ANN])
def test_a_link_by_a_person_is_told_as_one_and_once(held: Held, asked: str) -> None:
    said(held, NUMBER, ANN, on=True)
    _, out, _ = run("show", asked)
    assert out.count(f"{NUMBER} – {ANN} linked (ann: oops; ") == 1
    assert "links:" not in out
    (word,) = msgspec.json.decode(run("show", asked, "--json")[1])["words"]
    assert (word["linked"], word["said"], word["event_id"]) == (True, "ann: oops", "word-1")


def test_a_word_that_is_no_longer_told_of_says_where_it_was(held: Held) -> None:
    said(held, NUMBER, ANN, on=False)
    held.records.clear()
    assert "by whom and why is no longer in identity.changes" in run("show", ANN)[1]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("+442079460123", "looks like a phone number: write phone:+442079460123, or customer:+442079460123 if"),
        ("a@example.com", "looks like an e-mail address: write email:a@example.com, or customer:a@example.com if"),
        ("contact:voice:c1", "belongs to itself: its identifiers stand for nobody, or it has none; `contact-streams"),
        ("contact:voice:c1", "state show 'voice|c1'`"),
        ("fax:7", "fax:7: an identifier begins with customer, email, phone"),
        ("phone:", "nothing follows the colon; a number with its country code, such as phone:+442079460123 is"),
        ("phone:12", "phone:12 has not the form of its kind: a number with its country code, such as phone:+44"),
        ("phone:12", "CONTACT_STREAMS_PHONE_REGION says, which is not set"),
        ("email:alex", "email:alex has not the form of its kind: an address, such as email:alex@example.com"),
        ("phone:anonymous", "names nobody: systems write it where nobody is known"),
    ],
)
def test_what_is_no_name_is_refused_with_what_to_write(name: str, why: str) -> None:
    code, out, err = run("show", name)
    assert (code, out) == (1, "")
    assert why in err


def test_the_setting_is_named_only_where_it_would_help() -> None:
    assert "PHONE_REGION" not in run("show", "phone:+12")[2]
    assert "PHONE_REGION" not in run("show", "phone:12", CONTACT_STREAMS_PHONE_REGION="GB")[2]


def test_the_name_of_an_anonymous_customer_can_be_pasted(held: Held) -> None:
    said(held, NUMBER, MAIL, on=True)
    code, out, _ = run("show", f"anonymous:{NUMBER}")
    assert (code, out.splitlines()[0].startswith(NUMBER)) == (0, True)


KEY = "a key for the erasures"
GONE = "customer:ann is erased: what is of 2026-03-02T18:00:00.000Z or before is gone, and by 2026-04-05T18:00:00.412Z"


def proved(held: Held, **changes: Any) -> None:
    held.records.append(example("privacy.proofs", subject=mark(KEY.encode(), ANN), **changes))


def test_show_of_somebody_erased_says_so(held: Held) -> None:
    proved(held)
    code, out, err = run("show", "ann", CONTACT_STREAMS_ERASURE_KEY=KEY)
    assert code == 1
    assert f"{GONE} nothing of it is left on any topic; the proof: contact-streams customer proof customer:ann" in out
    assert err == "nothing is known of customer:ann on the line live since"
    assert "erased" not in run("show", "bob", CONTACT_STREAMS_ERASURE_KEY=KEY)[1]


def test_without_the_key_it_is_said_that_erasures_cannot_be_told(held: Held) -> None:
    proved(held)
    _, out, err = run("show", "ann")
    assert "is erased:" not in out
    assert "whether it is erased can be told with CONTACT_STREAMS_ERASURE_KEY alone, which is not set" in err


def test_an_erasure_of_a_replay_is_of_that_line(held: Held) -> None:
    proved(held, line="week-5")
    assert "erased" not in run("show", "ann", CONTACT_STREAMS_ERASURE_KEY=KEY)[1]
    out = run("show", "ann", "--line", "week-5", CONTACT_STREAMS_ERASURE_KEY=KEY)[1]
    assert "customer:ann is erased on the line week-5: " in out


def test_an_export_says_when_records_of_before_are_removed(held: Held) -> None:
    held.records.append(journey(ANN, ""))
    assert "erasure" not in run("export", "ann", CONTACT_STREAMS_ERASURE_KEY=KEY)[2]
    proved(held)
    code, out, err = run("export", "ann", CONTACT_STREAMS_ERASURE_KEY=KEY)
    told = msgspec.json.decode(out)
    assert (code, len(told["published"]["journeys"]), told["older"]) == (0, 1, 1)
    assert GONE in err
    assert (
        "1 published record is older than the erasure: removed with the files of the topics, by "
        "2026-04-05T18:00:00.412Z at the latest"
    ) in err


def test_what_was_published_since_the_erasure_is_not_called_older(held: Held) -> None:
    held.records.append(journey(ANN, ""))
    proved(held, erased_at="2026-03-02T09:59:59.999Z")
    told = msgspec.json.decode(run("export", "ann", CONTACT_STREAMS_ERASURE_KEY=KEY)[1])
    assert told["older"] == 0


def test_a_customer_is_one_screen_with_reasons(held: Held) -> None:
    held.records += [example(topic, customer=ANN, line="") for topic in ("journeys", "segments", "recommendations")]
    held.records.append(alert(""))
    _, out, _ = run("show", "ann")
    assert len(out.splitlines()) < 24
    for line in (
        "customer:ann → customer:ann: a customer stands for itself",
        "tier none: nothing says one",
        "type service, ahead of the next by 0.185: quality, transferred",
        "score 47.3 of 100, at-risk: recency 20, friction 17.7, frequency 5.1, sentiment 4.5 (2026-03-02 11:09)",
        "feeling -0.2 a message, 2 negative in a row since 2026-03-02 11:01",
        (
            "2026-03-02 09:15 – 2026-03-02 11:05 reopened, card lost, voice → chat, 2 contacts, 1 transferred, "
            "waited 1 min 36 s, mood -0.7, -0.2 a message, 2 negative in a row since 2026-03-02 11:01"
        ),
        "chat chat-20260302-7781: service gold, priority 20, within 45 s, best by voice, agent: senior, up to 75.00 EUR",
        "because tier gold (service), type service (channels), type service (agent_kind)",
        "high-tier-wait, firing, critical, since 2026-03-02 09:17: 2 min 0 s (limit 2 min 0 s), voice call-20260302-0417 cards",
        "refund, due 2026-03-06 20:00",
    ):
        assert f"{line}\n" in out
    told = msgspec.json.decode(run("show", "ann", "--json")[1])
    assert told["published"]["journeys"][0]["counts"]["contacts"] == 2


def test_what_there_is_not_is_said_and_what_is_much_is_counted(held: Held) -> None:
    held.records += [
        *(
            example("journeys", customer=ANN, journey_id=f"j{n}", updated=f"2026-03-02T11:0{n}:00.000Z")
            for n in range(10)
        ),
        alert("", state="resolved"),
        example("outreach", customer=ANN),
    ]
    _, out, _ = run("show", "ann")
    assert "alerts that fire\n  none\n" in out
    shown = [line for line in out.splitlines() if line.startswith("  2026-03-02 09:15 – ")]
    assert [line[32:37] for line in shown] == [f"11:0{n}" for n in range(9, 1, -1)]
    assert f"{shown[-1]}\n  … and 2 more: --json\n" in out
    assert len(msgspec.json.decode(run("show", "ann", "--json")[1])["published"]["journeys"]) == 10
    assert "refund was due 2026-03-06 20:00; outreach: held (quiet-hours)\n" in out
    assert "all fields, and records of other topics (outreach 1): --json" in out
