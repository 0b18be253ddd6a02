"""Settings: where they come from, and what a wrong one says."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams import settings as s
from streams.cli import main as cli


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in s.Settings.model_fields:
        monkeypatch.delenv(s.variable(name), raising=False)
    monkeypatch.delenv("CONTACT_STREAMS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def test_strongest_first_option_environment_file_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert s.load().web_port == 6066
    (tmp_path / "contact-streams.toml").write_text("web_port = 7001\nlog_level = 'debug'\n")
    assert (s.load().web_port, s.load().log_level) == (7001, "debug")
    monkeypatch.setenv("CONTACT_STREAMS_WEB_PORT", "7002")
    assert s.load().web_port == 7002
    assert s.load(web_port=7003).web_port == 7003
    assert s.load(web_port=None).web_port == 7002


def test_the_broker_is_named_as_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    assert s.load().bootstrap_servers == "kafka:9092"
    assert s.load(bootstrap_servers="other:1").bootstrap_servers == "other:1"
    assert s.load(bootstrap_servers=" a.b-c:9092, [::1]:9093").bootstrap_servers == "a.b-c:9092,[::1]:9093"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CONTACT_STREAMS_WEB_PORT", "abc", ["CONTACT_STREAMS_WEB_PORT = 'abc'", "must be a whole number from 0 to 65535"]),
        ("CONTACT_STREAMS_LOG_LEVEL", "loud", ["CONTACT_STREAMS_LOG_LEVEL = 'loud'", "must be debug, info, warning or error"]),
        ("CONTACT_STREAMS_TIME_ZONE", "Mars", ["CONTACT_STREAMS_TIME_ZONE = 'Mars'", "Europe/Berlin"]),
        ("CONTACT_STREAMS_REPLAY_LIFE_D", "1", ["CONTACT_STREAMS_REPLAY_LIFE_D (1.0 days) must be above CONTACT_STREAMS_DEDUP_HORIZON_H (26.0 hours)"]),
        ("CONTACT_STREAMS_MAX_AGE_H", "100",
         ["CONTACT_STREAMS_MAX_AGE_H (100.0 hours) with", "must be below CONTACT_STREAMS_DEDUP_HORIZON_H (26.0 hours)"]),
        ("CONTACT_STREAMS_MAX_AGE_H", "0", ["CONTACT_STREAMS_MAX_AGE_H = '0': must be a number, above 0, at most 2160"]),
        ("CONTACT_STREAMS_READY_LAG_RECORDS", "-1", ["must be a whole number, 0 or more"]),
        ("CONTACT_STREAMS_STATIC_MEMBERSHIP", "perhaps", ["= 'perhaps': must be true or false"]),
        ("CONTACT_STREAMS_PHONE_REGION", "XX", ["CONTACT_STREAMS_PHONE_REGION = 'XX'", "DE, GB or US"]),
        ("CONTACT_STREAMS_PHONE_REGION", "de", ["DE, GB or US"]),
        ("KAFKA_BOOTSTRAP_SERVERS", "http://h:9092", ["KAFKA_BOOTSTRAP_SERVERS = 'http://h:9092': must be host:port"]),
        ("KAFKA_BOOTSTRAP_SERVERS", "h", ["KAFKA_BOOTSTRAP_SERVERS = 'h': must be host:port"]),
        ("KAFKA_BOOTSTRAP_SERVERS", "h:9092,", ["must be host:port"]),
        ("KAFKA_BOOTSTRAP_SERVERS", "h:70000", ["must be host:port"]),
        ("KAFKA_BOOTSTRAP_SERVERS", "::1:9092", ["must be host:port"]),
        ("CONTACT_STREAMS_TOPIC_PREFIX", "a b", ["CONTACT_STREAMS_TOPIC_PREFIX = 'a b'"]),
        ("CONTACT_STREAMS_WORKER_NAME", "..", ["CONTACT_STREAMS_WORKER_NAME = '..'", "its folder"]),
        ("CONTACT_STREAMS_WORKER_NAME", ".hidden", ["CONTACT_STREAMS_WORKER_NAME = '.hidden'"]),
        ("CONTACT_STREAMS_APP_ID", "..", ["CONTACT_STREAMS_APP_ID = '..'"]),
        ("CONTACT_STREAMS_STATE_KEY", "short", ["CONTACT_STREAMS_STATE_KEY = …", "at least 16"]),
        ("CONTACT_STREAMS_WEB_PORT", "", ["CONTACT_STREAMS_WEB_PORT = ''", "must be a whole number"]),
        ("CONTACT_STREAMS_CONFIG", "nowhere.toml", ["CONTACT_STREAMS_CONFIG names 'nowhere.toml'"]),
    ],
)  # fmt: skip
def test_a_wrong_one_names_itself_its_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: list[str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(s.SettingsError) as error:
        s.load()
    for word in words:
        assert word in str(error.value)


def test_a_secret_is_shown_nowhere_and_handed_on_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACT_STREAMS_STATE_KEY", "too-short-secret"[:-1])
    with pytest.raises(s.SettingsError) as error:
        s.load()
    assert "too-short" not in str(error.value)
    monkeypatch.setenv("CONTACT_STREAMS_STATE_KEY", "a secret of 16 characters or more")
    settings = s.load(web_port=7001)
    for shown in (repr(settings), settings.model_dump_json(), str(settings.state_key)):
        assert "a secret" not in shown
    made = s.environment(settings)
    assert made["CONTACT_STREAMS_STATE_KEY"] == "a secret of 16 characters or more"
    assert made["CONTACT_STREAMS_WEB_PORT"] == "7001"
    assert "CONTACT_STREAMS_RULES_DIR" not in made


def test_an_unknown_name_in_the_file_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "contact-streams.toml").write_text("web_prot = 7001\n")
    with pytest.raises(s.SettingsError) as error:
        s.load()
    assert str(error.value) == "contact-streams.toml: web_prot is not a setting; did you mean web_port?"


def test_no_other_variable_is_meant_because_it_begins_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACT_STREAMS_BOOTSTRAP", "kafka:9092")
    with pytest.raises(s.SettingsError, match="is not a setting; `contact-streams settings` lists those there are"):
        s.load()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"store = 'memory'\nweb_port = = 7\n",
            "contact-streams.toml is not TOML: Invalid value (at line 2, column 12)",
        ),
        (b"store = 'memory'\napp_id = '\xff'\n", "contact-streams.toml is not in UTF-8 (at line 2)"),
        (b"[worker]\nweb_port = 7\n", "contact-streams.toml: worker is not a setting"),
        (b"web_port = 'x'\n", "contact-streams.toml: web_port = 'x': must be a whole number from 0 to 65535"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "contact-streams.toml").write_bytes(content)
    with pytest.raises(s.SettingsError) as error:
        s.load()
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)


def test_an_option_is_named_as_it_was_given() -> None:
    with pytest.raises(s.SettingsError, match=r"^--name = '\.\.': must be 1 to 200 of"):
        s.load(worker_name="..")


@pytest.mark.parametrize("region", ["DE", "GB", "US", "CH"])
def test_a_country_with_phone_numbers_is_taken(region: str) -> None:
    assert s.load(phone_region=region).phone_region == region


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in s.Settings.model_fields.values())


OPTIONAL = [name for name, field in s.Settings.model_fields.items() if field.get_default() is None]


@pytest.mark.parametrize("field", [name for name in OPTIONAL if name != "worker_name"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_what_may_be_left_out_may_be_empty(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str, empty: str
) -> None:
    """As a compose file hands on a variable that nobody set; the environment is stronger than the file."""
    assert "time_zone" in OPTIONAL
    monkeypatch.setenv(s.variable(field), empty)
    assert getattr(s.load(), field) is None
    monkeypatch.delenv(s.variable(field))
    (tmp_path / "contact-streams.toml").write_text(f"{field} = '{empty}'\n")
    assert getattr(s.load(), field) is None
    (tmp_path / "contact-streams.toml").write_text("time_zone = 'Europe/Berlin'\n")
    monkeypatch.setenv("CONTACT_STREAMS_TIME_ZONE", empty)
    assert s.load().time_zone is None


def test_every_description_that_speaks_of_empty_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [name for name, field in s.Settings.model_fields.items() if "empty:" in (field.description or "")]
    assert len(told) >= 4
    for name in told:
        monkeypatch.setenv(s.variable(name), "")
        assert getattr(s.load(), name) == s.Settings.model_fields[name].get_default()


def test_the_command_shows_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = CliRunner().invoke(cli.app, ["settings"], env={"COLUMNS": "400"})
    assert shown.exit_code == 0
    for name in s.Settings.model_fields:
        (row,) = [line for line in shown.stdout.splitlines() if f" {s.variable(name)} " in line]
        assert s.allowed(name) in row
