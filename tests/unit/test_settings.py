"""Settings: where they come from, and what a wrong one says."""

from pathlib import Path

import pytest

from streams import settings as s


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


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CONTACT_STREAMS_WEB_PORT", "abc", ["CONTACT_STREAMS_WEB_PORT = 'abc'", "valid integer"]),
        ("CONTACT_STREAMS_LOG_LEVEL", "loud", ["CONTACT_STREAMS_LOG_LEVEL = 'loud'", "'debug', 'info', 'warning' or 'error'"]),
        ("CONTACT_STREAMS_TIME_ZONE", "Mars", ["CONTACT_STREAMS_TIME_ZONE = 'Mars'", "Europe/Berlin"]),
        ("CONTACT_STREAMS_REPLAY_LIFE_D", "1", ["replay_life_d (1.0) must be above dedup_horizon_h (26.0 hours)"]),
        ("CONTACT_STREAMS_MAX_AGE_H", "100", ["max_age_h (100.0) must be below dedup_horizon_h (26.0)"]),
        ("CONTACT_STREAMS_TOPIC_PREFIX", "a b", ["CONTACT_STREAMS_TOPIC_PREFIX = 'a b'"]),
        ("CONTACT_STREAMS_WORKER_NAME", "..", ["CONTACT_STREAMS_WORKER_NAME = '..'", "its folder"]),
        ("CONTACT_STREAMS_WORKER_NAME", ".hidden", ["CONTACT_STREAMS_WORKER_NAME = '.hidden'"]),
        ("CONTACT_STREAMS_APP_ID", "..", ["CONTACT_STREAMS_APP_ID = '..'"]),
        ("CONTACT_STREAMS_STATE_KEY", "", ["CONTACT_STREAMS_STATE_KEY = …", "at least 16"]),
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


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "contact-streams.toml").write_text("web_prot = 7001\n")
    with pytest.raises(s.SettingsError, match="web_prot"):
        s.load()


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in s.Settings.model_fields.values())
