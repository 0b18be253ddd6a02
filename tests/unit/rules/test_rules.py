"""The rules as files: the shipped ones, one's own, overrides."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from streams import rules
from streams.alerts.conditions import Comparison
from streams.base.times import DAY_MS
from streams.customers.scores import HalfAt, HalfLives, New, SegmentRules, Weights
from streams.customers.worth import Bounds, ContactWorth, Parts, WorthRules
from streams.hours.calendars import Calendar, Holidays, Hours
from streams.identity.nobody import Nobody
from streams.identity.rules import IdentityRules
from streams.metrics.rules import Window
from streams.rules import RulesError, load, shipped_nobody
from streams.rules.source import CASES
from tests.support.identifiers import identifier
from tests.support.kpi_facts import WINDOWS


def wait_limit(own: rules.Rules) -> float | None:
    """Of the first rule about contacts, whose condition is a wait."""
    when = own.customers.alerts.of("contact")[0].when
    assert isinstance(when, Comparison) and when.field == "waiting"
    return when.bound.value


def test_the_shipped_rules() -> None:
    shipped = load()
    assert [(name, tier.order, tier.high) for name, tier in shipped.tiers.items()] == [
        ("platinum", 4, True),
        ("gold", 3, True),
        ("silver", 2, False),
        ("red", 1, False),
    ]
    customers = shipped.customers
    assert customers.alerts.names == ["high-tier-wait", "high-tier-sentiment"]
    hour, journeys = 3_600_000, customers.journeys
    assert customers.contacts.lateness_ms == hour
    assert (journeys.session_ms, journeys.need_ms, journeys.repeat_ms) == (hour // 2, 7 * 24 * hour, 7 * 24 * hour)
    assert (customers.contacts.horizon_ms("voice"), customers.contacts.per_identifier_and_day) == (14 * 86_400_000, 200)
    assert (customers.contacts.timeout_ms("voice"), customers.contacts.timeout_ms("email")) == (
        86_400_000,
        72 * 3_600_000,
    )
    assert customers.segments == SegmentRules(
        HalfLives(30 * DAY_MS, 30 * DAY_MS, 14 * DAY_MS, 14 * DAY_MS),
        HalfAt(3.0, 2.0),
        Weights(0.20, 0.25, 0.30, 0.25),
        New(3, 14 * DAY_MS),
        30 * DAY_MS,
        35.0,
        65.0,
    )
    assert (shipped.kpis.threshold("any"), shipped.kpis.windows, shipped.kpis.lateness_ms) == (
        20_000,
        (
            Window(60_000, 60_000, ("channel", "queue")),
            Window(300_000, 300_000, ("channel", "queue")),
            *WINDOWS[2:],
            Window("week", 24 * hour),
            Window("month", 24 * hour),
        ),
        3_600_000,
    )


def test_how_long_readings_are_provisional_follows_from_the_rules_of_journeys(tmp_path: Path) -> None:
    shipped = load().kpis
    assert shipped.settles_ms == {"repeat": 7 * DAY_MS, "need": 7 * DAY_MS, "callback": DAY_MS, "scores": 7 * DAY_MS}
    assert shipped.day_kept_ms == 15 * DAY_MS
    own = load(None, {"tracking.journeys.repeat": "10d", "tracking.journeys.need": "20d"}).kpis
    assert own.settles_ms == {"repeat": 10 * DAY_MS, "need": 20 * DAY_MS, "callback": DAY_MS, "scores": 7 * DAY_MS}
    assert own.day_kept_ms == 21 * DAY_MS + own.lateness_ms, "days are kept until their readings settle"


def test_a_folder_replaces_the_files_it_has(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(
        "rules: [{name: vip, subject: contact, tiers: high, channels: [email], when: {waiting: {above: 45s}}}]\n"
    )
    own = load(tmp_path)
    (vip,) = own.customers.alerts.file.enabled
    assert (vip.name, vip.tiers, vip.channels, vip.severity) == ("vip", {"gold", "platinum"}, {"email"}, "warning")
    assert wait_limit(own) == 45_000 and own.tiers == load().tiers


def test_values_for_nobody_of_ones_own_add_to_those_shipped(tmp_path: Path) -> None:
    assert load().nobody == shipped_nobody()
    (tmp_path / "nobody.yaml").write_text(
        "words: {de: [Theken-Kauf]}\nnumbers: ['+49 89 5555']\nmailboxes: [kasse, shop*]\n"
    )
    own = load(tmp_path).nobody
    assert own == shipped_nobody() | Nobody.of(["Thekenkauf"], ["+49895555"], ["kasse", "shop*"])
    (tmp_path / "nobody.yaml").write_text("shipped: false\nids: [till-1]\n")
    assert load(tmp_path).nobody == Nobody.of(["till1"])
    assert load(None, {"nobody.shipped": False, "nobody.words": {}}).nobody.words < shipped_nobody().words


def test_every_shipped_value_names_nobody() -> None:
    file = yaml.safe_load((rules.SHIPPED / "nobody.yaml").read_text("utf-8"))
    assert len(file["words"]) >= 10
    for value in [*file["ids"], *(word for words in file["words"].values() for word in words)]:
        for kind in ("customer", "account", "device", "cookie", "social"):
            assert identifier(kind, value) is None, value
    for number in file["numbers"]:
        assert identifier("phone", number, "DE") is identifier("phone", number) is None, number
    for box in file["mailboxes"]:
        assert identifier("email", f"{box.replace('*', '-7')}@shop.example") is None, box
    for domain in file["domains"]:
        assert identifier("email", f"anna@{domain}") is identifier("email", f"anna@x.{domain}") is None, domain


def test_opening_hours(tmp_path: Path) -> None:
    assert load().kpis.hours == Hours() and load().kpis.clock("voice", "sales") is None
    (tmp_path / "hours.yaml").write_text("""
calendars:
  office:
    time_zone: Europe/Berlin
    weekly:
      monday: &day [13:30-18:00, 09:00-12:30]
      friday: [09:00-16:00]
      saturday: [22:00-02:00]
      sunday: closed
      tuesday: *day
    holidays: {country: DE, subdivision: BY}
    special:
      2026-12-24: closed
      "2026-12-31": [09:00-12:00]
  round-the-clock: {time_zone: UTC, weekly: {monday: [00:00-24:00]}}
queues: {sales: office}
channels: {email: round-the-clock}
""")
    kpis = load(tmp_path).kpis
    day = ((540, 750), (810, 1080))
    assert kpis.hours.calendars["office"] == Calendar(
        ZoneInfo("Europe/Berlin"),
        {"monday": day, "friday": ((540, 960),), "saturday": ((1320, 1560),), "sunday": (), "tuesday": day},
        Holidays("DE", "BY"),
        {date(2026, 12, 24): (), date(2026, 12, 31): ((540, 720),)},
    )
    assert [kpis.hours.name(*of) for of in (("email", "sales"), ("email", "x"), ("voice", "x"))] == [
        "office",
        "round-the-clock",
        None,
    ]
    assert "sales" in kpis.queues, "a queue with hours of its own never counts as other"
    assert load(tmp_path, {"hours.default": "office"}).kpis.hours.name("voice", "x") == "office"


def test_overrides() -> None:
    changed = load(
        None,
        {
            "kpis.time_zone": "Asia/Jerusalem",
            "alerts.rules.0.when.waiting.above": "90s",
            "kpis.service_level.queues.loans": "30s",
        },
    )
    assert changed.kpis.time_zone == ZoneInfo("Asia/Jerusalem")
    assert wait_limit(changed) == 90_000
    assert (changed.kpis.threshold("loans"), changed.kpis.threshold("cards")) == (30_000, 20_000)
    assert wait_limit(load()) == 120_000


def test_contacts_are_known_for_as_long_as_the_rules_say() -> None:
    own = load(
        None,
        {
            "tracking.contacts.horizon": "3d",
            "tracking.contacts.channel_horizons": {"email": "90d"},
            "tracking.contacts.per_identifier_and_day": 50,
        },
    ).customers.contacts
    assert (own.horizon_ms("voice"), own.horizon_ms("email"), own.per_identifier_and_day) == (
        3 * 86_400_000,
        90 * 86_400_000,
        50,
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"kpis.time_zone": "Mars"}, "override 'kpis.time_zone': expected a time zone of the tz database"),
        (
            {"alerts.rules.0.when.waiting.above": 120},
            "override 'alerts.rules.0.when.waiting.above': expected a duration",
        ),
        ({"alerts.rules.99.for": "1s"}, "numbered from 0, has no item '99'"),
        ({"alarms.x": 1}, "override 'alarms.x': no such rule; a path begins with one of tiers, alerts, kpis, tracking"),
    ],
)
def test_wrong_overrides(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(RulesError) as caught:
        load(None, overrides)
    assert message in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="not a folder"):
        load(tmp_path / "nowhere")


def test_rules_are_hashable_values() -> None:
    assert {load().kpis.windows[0]: 1}[load().kpis.windows[0]] == 1
    assert set(rules.FILES) == {path.stem for path in rules.SHIPPED.glob("*.yaml")} - {CASES}


def test_what_is_trusted_of_an_identifier_is_said_in_identity_yaml(tmp_path: Path) -> None:
    assert rules.load().identity == IdentityRules()
    (tmp_path / "identity.yaml").write_text(
        "kinds: {phone: {limit: 2}, email: {limit: 4}}\nreach: 2\nexpires_after: 365d\n"
    )
    own = rules.load(tmp_path).identity
    assert (own.rank("phone:1"), own.rank("email:a"), own.rank("cookie:x"), own.rank("customer:7")) == (0, 1, 6, -1)
    assert (dict(own.limits), own.reach, own.expires_after_ms) == ({"phone": 2, "email": 4}, 2, 365 * 86_400_000)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("kinds: {fax: {limit: 3}}\n", 1, "expected one of email, phone"),
        ("kinds:\n  email: {limit: 0}\n", 2, "kinds.email.limit"),
        ("kinds:\n  email: {limit: 151}\n", 2, "kinds.email.limit"),
        ("reach: 6\n", 1, "reach"),
        ("expires_after: 0d\n", 1, "longer than 0"),
        ("# short\nexpires_after: 14d\n", 2, "14d in tracking.yaml"),
        ("strengths: [email]\n", 1, "strengths"),
    ],
)
def test_what_identity_yaml_may_not_say(tmp_path: Path, text: str, line: int, what: str) -> None:
    (tmp_path / "identity.yaml").write_text(text)
    if "14d" in text:
        (tmp_path / "tracking.yaml").write_text(
            (rules.SHIPPED / "tracking.yaml").read_text().replace("{ticket: 90d}", "{ticket: 14d}")
        )
    with pytest.raises(rules.RulesError) as failure:
        rules.load(tmp_path)
    assert f"identity.yaml:{line}: " in str(failure.value)
    assert what in str(failure.value)


def test_tiers_follow_from_value_where_they_have_bounds(tmp_path: Path) -> None:
    assert load().customers.worth == WorthRules()
    (tmp_path / "tiers.yaml").write_text(
        "tiers:\n  low: {order: 1}\n  top: {order: 3, value: {enter: 500, leave: 400, min_stay: 2d}}\n"
        "  mid: {order: 2, value: {enter: 100, leave: 100}}\n"
        "value: {value_cents: 0.0, spend_cents: 0.5, contacts: {cents: 5, half_life: 9d}}\n"
    )
    (tmp_path / "alerts.yaml").write_text(
        "rules: [{name: a, subject: contact, tiers: [top], when: {waiting: {above: 1s}}}]\n"
    )
    worth = load(tmp_path).customers.worth
    assert worth.ladder == (("mid", Bounds(100, 100)), ("top", Bounds(500, 400, 2 * DAY_MS)))
    assert worth.parts == Parts(0.0, 0.5, 0.0, ContactWorth(5, 9 * DAY_MS))


def test_an_intent_of_ones_own_counts_for_a_type(tmp_path: Path) -> None:
    (tmp_path / "intents.yaml").write_text("intents:\n  moving: {en: [new address], de: [Umzug]}\n  loan: {}\n")
    (tmp_path / "services.yaml").write_text("types:\n  home: {moving: 2.0, loan: 0.0, messaging: 1.0}\n")
    own = load(tmp_path)
    assert own.intents.of("Ein Umzug", "de") == "moving"
    assert own.customers.services.counted == {"moving", "messaging"}
    assert own.customers.contacts.intents == {"moving"}
