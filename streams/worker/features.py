"""What the workers of one deployment must have alike, because it changes what comes out: settings, rules, the time
zone, the version and that of the rows. Each has a name and a short value, so that a worker can say in what it differs.
"""

import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from streams.engine import Inlet
from streams.engine.group import ANY
from streams.hours.calendars import Calendar
from streams.hours.public_holidays import in_year
from streams.rules import Rules, policies
from streams.settings import Settings, variable

OWN = frozenset(
    {
        *("bootstrap_servers", "worker_name", "static_membership", "session_timeout_ms"),
        *("commit_interval_ms", "max_batch_records", "fetch_max_wait_ms"),
        *("store", "state_dir", "cache_rows", "block_cache_mib"),
        *("web_host", "web_port", "state_key", "ready_lag_records", "log_level", "log_format"),
        *(name for name in Settings.model_fields if name.startswith("api_")),
        # What they lead to is compared, not where it lies.
        *("rules_dir", "time_zone", "policy"),
    }
)
"""Settings that each worker may have for itself. A new one is compared, unless it is named here."""
YEARS = range(1970, 2101)


def features(settings: Settings, rules: Rules, inlets: Iterable[Inlet], *, applied: bool = False) -> dict[str, str]:
    """Name → value or digest; of a setting the name of its environment variable. ``applied``: alert rules were applied
    while workers ran, and hold in place of what the file of any of them says.
    """
    compared = {variable(name): _said(getattr(settings, name)) for name in Settings.model_fields if name not in OWN}
    zone, policy = rules.kpis.time_zone, Path(settings.policy or policies.DEFAULT).stem
    return {
        "version": _minor(),
        **compared,
        **{f"rules.{name}": _digest(part) for name, part in _parts(rules)},
        **({"rules.alerts": ANY} if applied else {}),
        variable("policy"): f"{policy} ({_digest(rules.customers.policy)})",
        "time_zone": f"{zone.key} ({_digest(_offsets(zone))})",
        "calendars": _digest([_calendar(each) for _, each in sorted(rules.kpis.hours.calendars.items())]),
        **{f"rows.{inlet.name}": ", ".join(f"{spec.name} {spec.version}" for spec in inlet.tables) for inlet in inlets},
    }


def other_parts(one: Rules, other: Rules) -> list[str]:
    """In which parts, but alerts, rules differ: as `features` names them."""
    before = {name: _digest(part) for name, part in _parts(one)}
    after = {name: _digest(part) for name, part in _parts(other)}
    before["policy"], after["policy"] = (_digest(each.customers.policy) for each in (one, other))
    before["calendars"], after["calendars"] = (
        _digest([_calendar(each) for _, each in sorted(rules.kpis.hours.calendars.items())]) for rules in (one, other)
    )
    return sorted(name for name, digest in after.items() if name != "alerts" and before[name] != digest)


def _said(value: object) -> str:
    """Of a secret a digest that tells only whether two are the same."""
    if isinstance(value, SecretStr):
        return hmac.digest(value.get_secret_value().encode(), b"the same in all workers?", "sha256").hex()[:8]
    return str(value)


def _parts(rules: Rules) -> Iterator[tuple[str, object]]:
    """What is compared, with the customers' rules one by one; alerts by their file, calendars and the policy by
    themselves.
    """
    for whole in (rules, rules.customers):
        for part in fields(whole):
            if part.init and part.name not in ("customers", "alerts", "policy", "policy_name", "handlings", "reader"):
                yield part.name, getattr(whole, part.name)
    yield "alerts", rules.customers.alerts.file


def _minor() -> str:
    """A release that only mends (0.1.2 → 0.1.3) changes no results, and its workers may run beside the others."""
    try:
        return ".".join(version("contact-streams").split(".")[:2])
    except PackageNotFoundError:
        return "unknown"


@lru_cache(maxsize=8)
def _offsets(zone: ZoneInfo) -> list[tuple[str, float]]:
    """When the zone's offset from UTC changes: it is the same in two releases of the tz database, or it matters."""
    found: list[tuple[str, float]] = []
    day, end = datetime(YEARS[0], 1, 1, 12, tzinfo=zone), datetime(YEARS[-1], 12, 31, tzinfo=zone)
    while day < end:
        offset = day.utcoffset()
        seconds = offset.total_seconds() if offset is not None else 0.0
        if not found or found[-1][1] != seconds:
            found.append((day.date().isoformat(), seconds))
        day += timedelta(days=1)
    return found


def _calendar(calendar: Calendar) -> object:
    """What the tz database and the library of holidays say of it."""
    place = calendar.holidays
    days = [sorted(map(str, in_year(place.country, place.subdivision, year))) for year in YEARS] if place else []
    return _offsets(calendar.time_zone), days


def _digest(value: object) -> str:
    return blake2b(repr(_plain(value)).encode(), digest_size=4).hexdigest()


def _plain(value: object) -> object:
    """The same for equal values in every process: sets and mappings have no order."""
    if is_dataclass(value) and not isinstance(value, type):
        return [(each.name, _plain(getattr(value, each.name))) for each in fields(value)]
    if isinstance(value, Mapping):
        return sorted((str(key), _plain(each)) for key, each in value.items())
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, set | frozenset):
        return sorted(repr(_plain(each)) for each in value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.key if isinstance(value, ZoneInfo) else value
