"""notify.yaml: what it may say, and that a mistake is named with file, line and what is allowed, and without a secret."""

import json
from pathlib import Path

import jsonschema
import pytest

from streams.notify.config import load
from streams.notify.errors import NotifyError
from streams.notify.secrets import Secret, SecretMissing
from streams.rules.describing import schema_of

ALL = """
targets:
  desk:
    webhook: {url: https://desk.example.com/alerts, secret: {env: HOOK_SECRET}, token: {env: HOOK_SECRET}}
    timeout: 5s
    attempts: 10
  chat:
    slack: {url: {env: HOOK_SECRET}}
    title: "$rule: $about"
  room:
    teams: {url: {file: FILE}}
  pager:
    pagerduty: {routing_key: {env: HOOK_SECRET}}
  mail:
    email: {host: smtp.example.com, sender: alerts@example.com, to: [desk@example.com], user: me, password: {file: FILE}}
  am:
    alertmanager: {url: "http://127.0.0.1:9093", repeat: 1m}
calendars:
  desk: {time_zone: Europe/Berlin, weekly: {monday: [08:00-18:00]}}
routes:
  - {name: night, match: [rule=~high-*, queue!=test], severity: [critical], closed: desk, targets: [pager], continue: true}
  - {match: [team=floor], tiers: [gold], open: desk, targets: [chat, room], group_by: [queue], group_wait: 30s}
  - {name: quiet, severity: [info], digest: 1h, targets: [mail]}
  - {targets: [desk, am]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOOK_SECRET", "hush")
    (tmp_path / "secret").write_text("hush\n")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "notify.yaml"
    file.write_text(text.replace("FILE", str(folder / "secret")))
    return file


def test_a_file_with_everything(folder: Path) -> None:
    found = load(written(folder, ALL))
    assert {name: each.kind for name, each in found.targets.items()} == {
        "desk": "webhook", "chat": "slack", "room": "teams", "pager": "pagerduty", "mail": "email", "am": "alertmanager",
    }  # fmt: skip
    assert found.targets["desk"].pace.attempts == 10
    assert [each.name for each in found.paths()] == ["night", "1", "quiet", "3"]
    assert [(target, route.name) for target, route in found.digests()] == [("mail", "quiet")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("attempts: 10", "attempts: 0", "6: targets.desk.attempts: Input should be greater than or equal to 1, not 0"),
        ("timeout: 5s", "timeout: 5", "5: targets.desk.timeout: expected a duration: a whole number and ms, s, m, h or d, such as 120s, not 5"),
        ("timeout: 5s", "patience: 5s", "5: targets.desk.patience: is not known here; remove it or correct its name: webhook, slack,"),
        ("    slack: {url: {env: HOOK_SECRET}}\n", "", "7: targets.chat: a target has one of webhook, slack, teams, pagerduty, email, alertmanager"),
        ("$rule: $about", "$rulle", "9: targets.chat.title: there is no $rulle; there are $state, $severity, $rule,"),
        ("$rule: $about", "5 $", "9: targets.chat.title: a `$` stands before a name ($rule, ${rule}), or twice"),
        ("[desk, am]", "[desk, pager, ops]", "24: routes.3.targets.2: 'ops' is not one of the targets (am, chat, desk, mail, pager, room)"),
        ("[desk, am]", "[desk]", "16: targets.am: no route leads here; name it in the targets of a route, or take it out"),
        ("queue!=test", "queue", "21: routes.0.match.1: 'queue' is no matcher: expected name=value, name!=value"),
        ("[critical]", "[urgent]", "21: routes.0.severity.0: Input should be 'info', 'warning' or 'critical', not 'urgent'"),
        ("closed: desk", "closed: floor", "21: routes.0.closed: 'floor' is not one of the calendars (desk)"),
        ("name: quiet, ", "", "23: routes.2: a route with a digest needs a name: its place in Kafka is kept by it"),
        ("digest: 1h", "digest: 1s", "23: routes.2: a digest is told every 1m to 7d"),
        ("digest: 1h", "digest: 1h, group_wait: 1s", "23: routes.2: a digest is one message with all of its alerts"),
        ("name: quiet", "name: night", "23: routes.2.name: another route is called 'night'"),
        ("[chat, room]", "[chat, room, pager]", "22: routes.1.targets.2: 'pager' (pagerduty) takes every step by itself"),
        ("Europe/Berlin", "Europe/Berlinn", "19: calendars.desk.time_zone: expected a time zone of the tz database"),
        ("[08:00-18:00]", "[08:00-18:00, 17:00-19:00]", "19: calendars.desk.weekly.monday: 17:00-19:00 overlaps 08:00-18:00"),
        ("to: [desk@example.com]", "to: [desk]", "15: targets.mail.email.to.0: expected an e-mail address"),
        ("user: me, ", "", "15: targets.mail.email: user and password go together"),
        ("user: me, ", "user: me, tls: none, ", "15: targets.mail.email: tls: none would send the password in clear"),
        ("https://desk.example.com/alerts", "ftp://desk.example.com", "4: targets.desk.webhook.url: expected an http:// or https:// address"),
        ("https://desk.example.com/alerts", "https://me:hush@desk.example.com", "4: targets.desk.webhook.url: expected an http:// or https:// address without a name and password"),
        ("secret: {env: HOOK_SECRET}", "secret: hush", "4: targets.desk.webhook.secret: expected {env: VARIABLE} or {file: PATH}: a secret is never in this file"),
        ("slack: {url: {env: HOOK_SECRET}}", "slack: {url: 'https://hooks.slack.com/hush'}", "8: targets.chat.slack.url: expected {env: VARIABLE} or {file: PATH}"),
        ("slack: {url: {env: HOOK_SECRET}}", "slack: {url: {env: NOT_SET_AT_ALL}}", "8: targets.chat.slack.url: the environment variable NOT_SET_AT_ALL is not set, or is empty"),
        ("teams: {url: {file: FILE}}", "teams: {url: {file: /not/there}}", "11: targets.room.teams.url: the file /not/there cannot be read: No such file or directory"),
        ("routes:", "routes: []\nmore:", "routes: The list should have at least 1 item"),
        ("  am:", "  chat:", "16: the key 'chat' occurs twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(folder: Path, old: str, new: str, said: str) -> None:
    assert old in ALL
    file = written(folder, ALL.replace(old, new, 1))
    with pytest.raises(NotifyError) as found:
        load(file)
    assert f"{file}:{said}" in str(found.value) or said in str(found.value)
    assert "hush" not in str(found.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(NotifyError, match=r"^nowhere.yaml:1: cannot be read: .*No such file"):
        load(Path("nowhere.yaml"))


def test_a_secret_is_read_when_it_is_used_and_shows_nowhere(folder: Path) -> None:
    secret = Secret(file=folder / "secret")
    assert secret.read() == "hush"
    (folder / "secret").write_text("new\n")
    assert secret.read() == "new"
    assert "new" not in repr(secret)
    for content in (b"", b" \n", b"\xff", b"x" * 70_000):
        (folder / "secret").write_bytes(content)
        with pytest.raises(SecretMissing, match=r"the file .*/secret "):
            secret.read()


def test_the_json_schema_takes_the_file_and_refuses_what_is_wrong(folder: Path) -> None:
    import yaml  # noqa: PLC0415

    from streams.notify.config import NotifyFile  # noqa: PLC0415

    schema = schema_of(NotifyFile, "notify.yaml")
    jsonschema.Draft202012Validator.check_schema(schema)
    good = yaml.safe_load(ALL)
    jsonschema.validate(good, schema)
    for path, value in ((("targets", "desk", "timeout"), 5), (("routes", 0, "severity"), ["urgent"]), (("more",), 1)):
        bad = json.loads(json.dumps(good))
        at = bad
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
