"""Every setting, its unit and its default; from the environment, a file, or the command line, in that order of
strength.

Environment variables carry the prefix ``CONTACT_STREAMS_`` (``CONTACT_STREAMS_TOPIC_PREFIX``), except
``KAFKA_BOOTSTRAP_SERVERS``, which is read as it is known everywhere. The file is ``contact-streams.toml`` in the
working folder, or what ``CONTACT_STREAMS_CONFIG`` names.
"""

import os
import re
import socket
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from phonenumbers import SUPPORTED_REGIONS
from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from streams.base.errors import UserError

PREFIX = "CONTACT_STREAMS_"
BROKER_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
OPTIONS: Mapping[str, str] = {
    "worker_name": "--name",
    "web_port": "--port",
    "api_port": "--port",
    "api_host": "--host",
    "topic_prefix": "--topic-prefix",
}
"""Settings that are options of commands, too."""
WORDS: Mapping[str, str] = {
    "bootstrap_servers": "host:port, several with commas between",
    "topic_prefix": "up to 100 of a-z, A-Z, 0-9, `.`, `_`, `-`",
    "app_id": "1 to 100 of a-z, A-Z, 0-9, `.`, `_`, `-`, the first no dot",
    "worker_name": "1 to 200 of a-z, A-Z, 0-9, `.`, `_`, `-`, the first no dot",
    "phone_region": "a country with phone numbers of its own, such as DE, GB or US",
    "time_zone": "a zone of the tz database, such as Europe/Berlin",
}
"""What is allowed where a pattern or a list too long to show says it."""
_LIMITS: Mapping[str, str] = {
    "ge": "{} or more",
    "gt": "above {}",
    "le": "at most {}",
    "min_length": "at least {} characters",
}
"""Of pydantic's limits, how they are said."""
_ADDRESS = re.compile(r"(?:\[[0-9A-Za-z:.%]+\]|[^\s:/@\[\]]+):([0-9]{1,5})")


class SettingsError(UserError):
    """A setting is wrong; the message names each one, its value, and what is allowed."""


class Settings(BaseSettings):
    """The settings of a worker and of the commands."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", populate_by_name=True)

    bootstrap_servers: str = Field(
        "",
        validation_alias=AliasChoices(BROKER_VARIABLE, "bootstrap_servers"),
        description="Kafka brokers; empty: the local one that runs, and `demo` and `calls` start one where none does",
    )
    topic_prefix: str = Field(
        "", pattern=r"^[a-zA-Z0-9._-]{0,100}$", description="put before every topic name and the application's id"
    )
    app_id: str = Field(
        "contact-streams",
        pattern=r"^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,99}$",
        description="consumer group and name of the changelogs",
    )
    worker_name: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        pattern=r"^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,199}$",
        description="name partitions are placed by, and of its folder; keep it stable across restarts",
    )
    static_membership: bool = Field(
        False, description="the worker's name is its group instance id: a quick restart causes no rebalance"
    )

    commit_interval_ms: int = Field(
        100, ge=0, le=10_000, description="least time between two batches of a busy partition, ms"
    )
    max_batch_records: int = Field(4000, ge=1, le=40_000, description="most records of one poll")
    fetch_max_wait_ms: int = Field(
        25, ge=1, le=5000, description="how long the broker holds an empty fetch, ms; latency hangs on it"
    )
    session_timeout_ms: int = Field(
        10_000, ge=1000, le=300_000, description="silence after which the group gives a worker's partitions away, ms"
    )

    out_of_orderness_ms: int = Field(
        2000,
        ge=0,
        le=3_600_000,
        description="how far live events of one partition may be out of order, ms; alerts wait as long",
    )
    time_hold_s: float = Field(
        60.0,
        ge=5,
        le=1800,
        description="how long unread records without an event that is taken may hold live time, s; then it goes on",
    )
    dedup_horizon_h: float = Field(
        26.0, gt=0, le=24 * 90, description="how long an event's id is remembered after it arrived, hours"
    )
    max_age_h: float = Field(
        24.0,
        gt=0,
        le=24 * 90,
        description="live events older than this at their arrival are refused, hours; below dedup_horizon_h",
    )
    future_tolerance_s: float = Field(
        60.0, ge=0, le=3600, description="live events further in the future at their arrival are refused, s"
    )
    max_replays: int = Field(
        50, ge=1, le=10_000, description="replays a partition knows at most; what belongs to another one is refused"
    )
    max_undeclared_events: int = Field(
        10_000,
        ge=1,
        le=10_000_000,
        description="events a partition takes of a replay before its replay.started; further ones are refused",
    )
    replay_life_d: float = Field(
        32.0,
        ge=1,
        le=3650,
        description="how long a replay is known after the last that came for it, days; above dedup_horizon_h",
    )
    max_event_bytes: int = Field(
        1_000_000, ge=1000, le=1_040_000, description="events larger than this are refused, bytes"
    )

    store: Literal["memory", "rocksdb"] = Field(
        "memory", description="where the state of the partitions is kept beside its changelog"
    )
    state_dir: Path | None = Field(
        None, description="folder of the state for store = rocksdb, on a disk that outlives the worker"
    )
    cache_rows: int = Field(
        50_000, ge=100, le=100_000_000, description="rows of the large tables a worker keeps decoded, all together"
    )
    block_cache_mib: int = Field(
        64, ge=8, le=1 << 20, description="memory of store = rocksdb for blocks read and written, all partitions, MiB"
    )

    phone_region: str | None = Field(
        None, description="country of phone numbers without a country code (ISO 3166, such as DE)"
    )
    sentiment_scorer: str = Field(
        "compact", description="plug-in of the group contact_streams.sentiment that scores customer messages, or none"
    )
    sentiment_model: Path | None = Field(
        None, description="folder of the model of the scorer onnx: model.onnx, tokenizer.json, config.json"
    )
    behaviour_detector: str = Field(
        "none",
        description="plug-in of the group contact_streams.behaviours that finds more in agents' messages, or none",
    )
    rules_dir: Path | None = Field(
        None,
        description="folder with tiers.yaml, alerts.yaml, kpis.yaml, tracking.yaml, outreach.yaml, nobody.yaml, "
        "identity.yaml, services.yaml, intents.yaml, signals.yaml, hours.yaml, behaviours.yaml, quality.yaml; empty: "
        "those shipped",
    )
    policy: str | None = Field(
        None,
        description="how customers are served: tiered, one-size-fits-all, premium-for-all, one of the folder "
        "policies of the rules, or a file, *.yaml; empty: tiered, whatever your tiers are",
    )
    time_zone: str | None = Field(None, description="business time zone of the KPI day; empty: the one in kpis.yaml")

    erasure_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="secret by which erased customers are known again, the same for all workers and for good; "
        "empty: customer.erased is refused",
    )
    longest_kept_d: float = Field(
        31.0,
        ge=31,
        le=3650,
        description="longest time that a topic with retention keeps records, days; a proof of erasure counts by it",
    )

    web_host: str = Field("127.0.0.1", description="address of /metrics, /healthz and /readyz")
    web_port: int = Field(
        6066, ge=0, le=65535, description="port of /metrics, /healthz and /readyz; the next free one when taken; 0: any"
    )
    state_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="secret by which /state answers who gives it, and hashes what it says; empty: /state is off",
    )
    api_host: str = Field("127.0.0.1", description="address of the HTTP API, `contact-streams serve`")
    api_port: int = Field(6080, ge=0, le=65535, description="port of the HTTP API; 0: any")
    api_tokens: Path | None = Field(
        None,
        description="file of the tokens that the HTTP API takes, as hashes; `contact-streams serve token` writes it",
    )
    api_requests_per_minute: int = Field(
        600, ge=1, le=1_000_000, description="requests of one token or person that the HTTP API answers in a minute"
    )
    api_cors_origins: str = Field(
        "", description="origins whose pages may ask the HTTP API, with commas between; empty: none"
    )
    api_oidc_issuer: str | None = Field(None, description="identity provider whose tokens (JWT) the HTTP API takes")
    api_oidc_audience: str | None = Field(None, description="audience that those tokens are made out for")
    api_oidc_keys: str | None = Field(None, description="key set of that provider (JWKS): a file, or an https:// URL")
    api_oidc_roles_claim: str = Field(
        "roles", min_length=1, description="claim with viewer, operator or admin in it; a dot goes one level down"
    )
    api_oidc_name_claim: str = Field("sub", min_length=1, description="claim that names who asks")
    ready_lag_records: int = Field(100_000, ge=0, description="/readyz says no while more records than this are unread")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe level that is logged"
    )
    log_format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else JSON")

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object, about: ValidationInfo) -> object:
        """What may be left out may be given empty, as compose files and shells do: it is as if it had its default."""
        optional = cls.model_fields[about.field_name or ""].default is None
        return None if optional and isinstance(value, str) and not value.strip() else value

    @field_validator("bootstrap_servers")
    @classmethod
    def _addresses(cls, value: str) -> str:
        parts = [part.strip() for part in value.split(",")] if value.strip() else []
        for part in parts:
            match = _ADDRESS.fullmatch(part)
            if match is None or not 0 < int(match[1]) < 1 << 16:
                raise ValueError(WORDS["bootstrap_servers"])
        return ",".join(parts)

    @field_validator("phone_region")
    @classmethod
    def _known_region(cls, value: str | None) -> str | None:
        if value is not None and value not in SUPPORTED_REGIONS:
            raise ValueError(WORDS["phone_region"])
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(WORDS["time_zone"])
        return value

    @model_validator(mode="after")
    def _age_below_horizon(self) -> "Settings":
        horizon = f"{variable('dedup_horizon_h')} ({self.dedup_horizon_h} hours)"
        if self.max_age_h + self.future_tolerance_s / 3600 >= self.dedup_horizon_h:
            raise ValueError(
                f"{variable('max_age_h')} ({self.max_age_h} hours) with {variable('future_tolerance_s')} "
                f"({self.future_tolerance_s} s) must be below {horizon}, or a late duplicate could count twice"
            )
        if self.replay_life_d * 24 <= self.dedup_horizon_h:
            raise ValueError(
                f"{variable('replay_life_d')} ({self.replay_life_d} days) must be above {horizon}, "
                "or the events of a forgotten replay would be taken for duplicates"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _file())

    @property
    def nothing_left_ms(self) -> int:
        """So long after somebody was erased nothing is left: what still comes of the time before, at most ``max_age_h``
        later, has been kept for the longest time, and its segment of a day, or a compaction, is over.
        """
        return int((self.max_age_h + self.longest_kept_d * 24 + 48) * 3_600_000)

    @property
    def zone(self) -> ZoneInfo | None:
        return ZoneInfo(self.time_zone) if self.time_zone else None

    @property
    def group(self) -> str:
        """The application's id with the prefix: consumer group, transactional ids and changelogs start with it."""
        return self.topic_prefix + self.app_id


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return BROKER_VARIABLE if field == "bootstrap_servers" else PREFIX + field.upper()


def environment(settings: Settings) -> dict[str, str]:
    """The environment variables that make the same settings, secrets in clear."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    clear = {name: each.get_secret_value() if isinstance(each, SecretStr) else each for name, each in values.items()}
    return {variable(name): str(each) for name, each in clear.items() if each is not None}


def allowed(field: str) -> str:
    """What a setting may be, in words."""
    if field in WORDS:
        return WORDS[field]
    about = Settings.model_fields[field]
    kind: Any = about.annotation
    if kind is bool:
        return "true or false"
    if values := [each for each in get_args(kind) if isinstance(each, str)]:
        return f"{', '.join(values[:-1])} or {values[-1]}"
    limits = {name: getattr(each, name) for each in about.metadata for name in _LIMITS if hasattr(each, name)}
    if kind in (int, float):
        number = "a whole number" if kind is int else "a number"
        if "ge" in limits and "le" in limits:
            return f"{number} from {limits['ge']} to {limits['le']}"
        return ", ".join([number, *(_LIMITS[name].format(limit) for name, limit in limits.items())])
    if "min_length" in limits:
        return _LIMITS["min_length"].format(limits["min_length"])
    return "a path" if Path in get_args(kind) else "text"


def _file() -> Path:
    return Path(os.environ.get(PREFIX + "CONFIG", "contact-streams.toml"))


def _in_file() -> dict[str, Any]:
    """What the settings file says, if there is one. Raises `SettingsError` that names the file and the line."""
    file = _file()
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"{file} is not in UTF-8 (at line {line})") from error
    except OSError as error:
        raise SettingsError(f"the settings file cannot be read: {error}") from error


def _own_part(name: str) -> str:
    """Without what nearly all names of variables begin with, by which any two would be alike."""
    return name.removeprefix("CONTACT_STREAMS_")


def _refuse_unknown(names: Iterable[str], known: Iterable[str], where: str = "") -> None:
    """Raises `SettingsError` for the first name that is no setting, with the one that was probably meant."""
    known = {_own_part(name): name for name in known}
    if unknown := sorted(set(names) - {*known.values()}):
        near = get_close_matches(_own_part(unknown[0]), known, n=1)
        hint = f"; did you mean {known[near[0]]}?" if near else "; `contact-streams settings` lists those there are"
        raise SettingsError(f"{where}{unknown[0]} is not a setting{hint}")


def _as_set(field: str, overridden: Mapping[str, object]) -> str:
    """A setting's name where it was set: the option, the variable, or the file and the name in it."""
    if field in overridden:
        return OPTIONS.get(field, field)
    if variable(field).lower() in {name.lower() for name in os.environ}:
        return variable(field)
    return f"{_file()}: {field}"


def load(**overrides: object) -> Settings:
    """Settings with overrides (``None`` = not given). Raises `SettingsError` that names each wrong one, its value and
    what is allowed.
    """
    overridden = {name: value for name, value in overrides.items() if value is not None}
    config = os.environ.get(PREFIX + "CONFIG")
    if config and not Path(config).is_file():
        raise SettingsError(f"{PREFIX}CONFIG names {config!r}, which is not a file")
    variables = {variable(field) for field in Settings.model_fields} | {PREFIX + "CONFIG"}
    _refuse_unknown((name for name in os.environ if name.startswith(PREFIX)), variables)
    _refuse_unknown(set(_in_file()) - {BROKER_VARIABLE}, Settings.model_fields, f"{_file()}: ")
    try:
        return Settings(**overridden)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = str(problem["loc"][0]) if problem["loc"] else ""
            field = "bootstrap_servers" if name == BROKER_VARIABLE else name
            meant = Settings.model_fields.get(field)
            if meant is None:  # several settings that do not go together; the message names them
                lines.append(str(problem["ctx"]["error"]) if "ctx" in problem else problem["msg"])
                continue
            given = "…" if meant.annotation == SecretStr | None else repr(problem["input"])
            about = f"must be {allowed(field)} ({meant.description})"
            lines.append(f"{_as_set(field, overridden)} = {given}: {about}")
        raise SettingsError("\n".join(lines)) from error
    except OSError as error:
        raise SettingsError(f"the settings file cannot be read: {error}") from error
