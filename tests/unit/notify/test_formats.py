"""Each format: a message becomes a request, and nothing that a customer wrote becomes more than text."""

import hashlib
import hmac
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.notify.digest import SHOWN, begun
from streams.notify.formats import email, pagerduty, slack, teams, webhook
from streams.notify.formats.parts import link
from streams.notify.message import NAMES, Message, id_of, measured, values
from streams.notify.window import Place
from tests.support.notify import T0, event, steps

FIRED = Message("wait.1@1#2", "step", (event(1),))
OVER = Message("wait.1@1#3", "step", (event(1, "resolved", revision=3, because="answered"),))
GROUP = Message("group-1", "group", (*steps(range(3)), event(9, severity="warning")))
HOSTILE = "<!channel> <https://evil.example|here> [x](https://evil.example) & \u202e\x1b[2J\r\nBcc: all@example.com"


def test_a_webhook_is_signed_over_timestamp_and_body_and_the_same_each_time() -> None:
    first = webhook.request(FIRED, "https://desk.example.com", "key", 1_772_442_962)
    later = webhook.request(FIRED, "https://desk.example.com", "key", 1_772_442_999, token="t0ken")
    assert first.body == later.body
    assert first.headers["Idempotency-Key"] == later.headers["Idempotency-Key"] == "wait.1@1#2"
    expected = hmac.new(b"key", b"1772442962." + first.body, hashlib.sha256).hexdigest()
    assert first.headers["Contact-Streams-Signature"] == f"v1={expected}" != later.headers["Contact-Streams-Signature"]
    assert first.headers["Contact-Streams-Timestamp"] == "1772442962"
    assert later.headers["Authorization"] == "Bearer t0ken"
    body = json.loads(first.body)
    assert body.keys() == {"id", "kind", "title", "left_out", "events"}
    assert body["events"] == [json.loads(event(1).model_dump_json())]
    assert "desk.example.com" not in repr(first)
    assert "t0ken" not in repr(later)


@given(st.text())
def test_any_key_is_a_header(text: str) -> None:
    found = webhook.header(text.encode("utf-8", "replace").decode())
    assert re.fullmatch(r"[\x21-\x7e]?([\x20-\x7e]*[\x21-\x7e])?", found)


def test_slack_gets_blocks() -> None:
    found = slack.content(FIRED)
    assert found["text"] == "🔴 [critical] wait is firing: voice cards, customer:1 (gold)"
    assert [each["type"] for each in found["blocks"]] == ["header", "section", "section", "actions", "context"]
    assert found["blocks"][3]["elements"][0]["url"] == "https://wiki.example.com/wait"
    assert found["blocks"][2]["fields"][0] == {"type": "mrkdwn", "text": "*value*\n2m"}
    assert slack.content(OVER)["text"].startswith("✅ [critical] wait is resolved")
    group = slack.content(GROUP)
    assert group["text"] == "🟠 4 alerts, 1 not over"
    assert group["blocks"][1]["text"]["text"].count("•") == 4


def test_teams_gets_a_card() -> None:
    found = teams.content(FIRED)
    (attachment,) = found["attachments"]
    assert (found["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    card = attachment["content"]
    assert [each["type"] for each in card["body"]] == ["TextBlock", "TextBlock", "FactSet"]
    assert (card["body"][0]["color"], card["actions"][0]["type"]) == ("Attention", "Action.OpenUrl")
    assert teams.content(OVER)["attachments"][0]["content"]["body"][0]["color"] == "Good"


@pytest.mark.parametrize(
    ("state", "action"),
    [
        ("firing", "trigger"), ("escalated", "trigger"), ("acknowledged", "acknowledge"), ("resolved", "resolve"),
        ("expired", "resolve"),
    ],
)  # fmt: skip
def test_pagerduty_has_one_incident_for_an_episode(state: str, action: str) -> None:
    found = json.loads(
        pagerduty.request(Message("x", "step", (event(1, state),)), "https://pd.example.com", "key").body
    )
    assert (found["event_action"], found["dedup_key"], found["routing_key"]) == (action, "wait.1@1", "key")
    if action == "trigger":
        assert found["payload"]["severity"] == "critical"
        assert found["payload"]["timestamp"] == "2026-03-02T09:16:00.000Z"
        assert found["payload"]["source"] == "cards"
        assert found["links"] == [{"href": "https://wiki.example.com/wait", "text": "Runbook"}]
    else:
        assert "payload" not in found


def test_mails_of_an_episode_are_one_thread_and_a_mail_that_comes_twice_is_the_same() -> None:
    options = email.Email("smtp.example.com", "alerts@example.com", ("desk@example.com",))
    fired, over = (email.mail(each, options, "Mon, 02 Mar 2026 09:16:02 +0000") for each in (FIRED, OVER))
    assert fired["References"] == over["References"]
    assert fired["Message-ID"] != over["Message-ID"]
    assert fired.as_bytes() == email.mail(FIRED, options, "Mon, 02 Mar 2026 09:16:02 +0000").as_bytes()
    digest = email.mail(Message("digest-1", "digest", GROUP.events, 7), options, "Mon, 02 Mar 2026 09:16:02 +0000")
    assert digest["Subject"] == "Digest: 4 alerts, 1 not over, 7 more steps"
    assert digest["References"] is None


def hostile() -> Message:
    about: dict[str, Any] = {"subject_customer": HOSTILE, "subject_queue": HOSTILE, "runbook": "javascript:alert(1)"}
    known = event(1, **about).model_dump(mode="json") | {"note": HOSTILE, "by": HOSTILE}
    return Message(HOSTILE, "step", (event(1).model_validate(known),))


def test_what_people_wrote_is_text_everywhere() -> None:
    message = hostile()
    found = slack.content(message)
    assert found["blocks"][0]["text"]["type"] == "plain_text"  # in which Slack reads nothing
    said = json.dumps([found["text"], found["blocks"][1:]], ensure_ascii=False)
    assert "<!channel>" not in said
    assert "<https" not in said
    assert "javascript" not in said
    card = json.dumps(teams.content(message), ensure_ascii=False)
    assert "](" not in card
    assert "javascript" not in card
    options = email.Email("smtp.example.com", "alerts@example.com", ("desk@example.com",))
    mail = email.mail(message, options, "Mon, 02 Mar 2026 09:16:02 +0000")
    assert mail["Bcc"] is None
    assert "\x1b" not in mail.as_string()
    assert "\n" not in message.title
    request = webhook.request(message, "https://desk.example.com", "key", 1)
    assert request.headers["Idempotency-Key"].isascii()
    assert "\n" not in request.headers["Idempotency-Key"]
    assert json.loads(request.body)["events"][0]["note"] == HOSTILE


@pytest.mark.parametrize("to", [slack.content, teams.content, pagerduty.content])
def test_a_message_of_any_size_stays_below_what_is_taken(to: Any) -> None:
    about: dict[str, Any] = {"subject_queue": "&" * 5000, "rule": "<" * 5000, "owner": "x" * 5000}
    many = tuple(event(number, **about) for number in range(100))
    for message in (Message("x", "step", many[:1]), Message("x", "group", many)):
        found = to(message)
        assert len(json.dumps(found, ensure_ascii=False).encode()) < (
            28_000 if to is not pagerduty.content else 512_000
        )
        if to is slack.content:
            assert all(len(each["text"]["text"]) <= 3000 for each in found["blocks"] if "text" in each)
            assert all(len(each["text"]) <= 2000 for some in found["blocks"] for each in some.get("fields", ()))


def test_names_of_templates_are_those_that_have_values() -> None:
    assert values(event(1)).keys() == NAMES.keys()
    assert id_of([event(1)]) == "wait.1@1#2"
    assert id_of(steps([1, 2])) == id_of(steps([1, 2])) != id_of(steps([2, 1]))


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (125_000, "ms", "2m 5s"), (90, "ms", "90 ms"), (7_200_000, "ms", "2h"), (90_061_000, "ms", "1d 1h"), (0.825, "ratio", "82.5 %"),
        (-0.7, "sentiment", "-0.7"), (3.0, "count", "3"), (4.5, "per_minute", "4.5 per minute"), (None, "ms", "–"), (-5000, "ms", "-5s"),
    ],
)  # fmt: skip
def test_values_are_shown_with_their_units(value: float | None, unit: str, said: str) -> None:
    assert measured(value, unit) == said


@pytest.mark.parametrize(
    "text", [None, "", "javascript:x", "https://", "http://a b", "wiki", "https://me:x@example.com"]
)
def test_what_is_no_link_is_not_followed(text: str | None) -> None:
    assert link(text) is None


def test_a_digest_has_the_latest_step_of_each_alert_and_counts_the_rest() -> None:
    place = Place("alert.events", 0, 17)
    found, again = (begun("mail/quiet", place, T0 + 5, 3_600_000) for _ in range(2))
    for each in (*steps(range(3)), *(event(number) for number in range(3, SHOWN + 5))):
        found.add(each)
    parcel = found.parcel()
    assert (len(parcel.events), parcel.left_out, parcel.due) == (SHOWN, 5, T0 // 3_600_000 * 3_600_000 + 3_600_000)
    assert parcel.events[0].alert.state == "resolved"
    assert parcel.id == again.parcel().id
    assert parcel.id != begun("mail/quiet", place._replace(offset=18), T0 + 5, 3_600_000).parcel().id
    assert parcel.id.startswith("digest-20260302T090000Z-")
