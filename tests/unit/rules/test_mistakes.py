"""What is wrong in a rule file is said with file, line and path; all of it at once."""

from pathlib import Path

import pytest

from streams.rules import RulesError, load

SEGMENTS = (
    "segments: {half_lives: {recency: 1d, frequency: 1d, sentiment: 1d, friction: 1d}, half_at: {frequency: 3.0, "
    "friction: 2.0}, weights: {recency: 1.0, frequency: 1.0, sentiment: 1.0, friction: 1.0}, new: {contacts: 3, "
    "known_for: 14d}, dormant_after: 30d, at_risk_below: 35.0, loyal_from: 65.0}\n"
)
RULE = "rules:\n  - {name: a"
WHERE = "delay: 2h, channel: email, purpose: p"
OFFICE = "calendars:\n  office:\n    weekly: {monday: [08:00-18:00]}\n"
ZONED = f"{OFFICE}    time_zone: UTC\n"
WEEK = "calendars:\n  office:\n    time_zone: UTC\n    weekly:\n"
MISTAKES = [
    ("alerts", "rules: [\n", 2, "not YAML"),
    ("alerts", "rules: []\nrules: []\n", 2, "the key 'rules' occurs twice"),
    ("tiers", "tiers:\n  a: {order: 1}\n  b: {order: 1}\n", 1, "two tiers have the same order"),
    ("tiers", "tiers:\n  a:\n    order: first\n", 3, "tiers.a.order: Input should be a valid integer, not 'first'"),
    (
        "tiers",
        "tiers:\n  a:\n    order: 1\n    value: {enter: 5, leave: 6}\n",
        4,
        "leave (6) must not be above enter (5)",
    ),
    (
        "tiers",
        "tiers:\n  a:\n    order: 1\n    value: {enter: -5, leave: 6}\n",
        4,
        "tiers.a.value.enter: Input should be",
    ),
    ("tiers", "tiers:\n  a:\n    order: 1\n    value: {enter: 5}\n", 4, "tiers.a.value.leave: is missing"),
    (
        "tiers",
        "tiers:\n  a: {order: 1, value: {enter: 5, leave: 5, min_stay: soon}}\n",
        2,
        "value.min_stay: expected a dur",
    ),
    (
        "tiers",
        "tiers:\n  a: {order: 1, value: {enter: 5, leave: 3}}\n  b:\n    order: 2\n    value: {enter: 5, leave: 4}\n",
        5,
        "tiers.b.value.enter: must be above that of a (5), not 5",
    ),
    (
        "tiers",
        "tiers:\n  a: {order: 1, value: {enter: 5, leave: 4}}\n  b: {order: 2, value: {enter: 6, leave: 4}}\n",
        3,
        "tiers.b.value.leave: must be above that of a (4), not 4",
    ),
    (
        "tiers",
        "tiers: {a: {order: 1}}\nvalue: {value_cents: 0}\n",
        2,
        "value: at least one part of the value must count",
    ),
    ("tiers", "tiers: {a: {order: 1}}\nvalue: {spend: 1.0}\n", 2, "value.spend: is not known here"),
    ("tiers", "tiers: {a: {order: 1}}\nvalue: {spend_cents: -1}\n", 2, "greater than or equal to 0"),
    ("services", "types:\n  value:\n    prize: 1.0\n", 3, "types.value.prize: is neither behaviour nor an intent"),
    ("services", "types:\n  value:\n    price: -1.0\n", 3, "greater than or equal to 0, not -1.0"),
    ("services", "types:\n  none: {price: 1.0}\n", 1, "a type must not be called none"),
    ("services", "half_life: 0d\n", 1, "longer than 0"),
    ("services", "half_at: 0\n", 1, "half_at: Input should be"),
    ("services", "type_from: 2.0\n", 1, "less than or equal to 1, not 2.0"),
    ("services", "typos: {}\n", 1, "typos: is not known here"),
    ("intents", "intents:\n  price:\n    en:\n      - how much\n      - '?!'\n", 5, "'?!' has no letter or digit"),
    ("intents", "intents:\n  price: {english: [x]}\n", 2, "intents.price.english"),
    ("intents", "intents:\n  Price: {en: [x]}\n", 2, "intents.Price"),
    ("intents", "phrases: {}\n", 1, "intents: is missing"),
    ("kpis", "windows:\n  - {length: 1m, every: 10s}\n  - {length: 90s, every: 1m}\n", 3, "multiple of its step"),
    ("kpis", "windows:\n  - {length: 1m, every: 10s}\n  - {length: 90m, every: 45m}\n", 3, "45m: it must divide 60m"),
    ("kpis", "windows:\n  - {length: 1m, every: 10s}\n  - {length: week, every: 7h}\n", 3, "7h: it must divide 24h"),
    ("kpis", "windows:\n  - {length: month, every: 24h}\n", 1, "at least one of them not of the calendar"),
    ("kpis", "ces: {scale: [1, 5], easy_from: 6}\nwindows: [{length: 1m, every: 10s}]\n", 1, "easy_from (6) must be above"),
    ("kpis", "windows:\n  - {length: year, every: 24h}\n", 2, "or day, week or month of the calendar"),
    (
        "kpis",
        "csat: {satisfied_from: 7}\nwindows: [{length: 1m, every: 10s}]\n",
        1,
        "satisfied_from (7) must be above 1",
    ),
    ("kpis", "windows:\n  - {length: null, every: 10s}\n", 2, "windows.0.length: expected a duration: a whole number"),
    ("kpis", "windows: 1m\n", 1, "windows: expected a list, not '1m'"),
    ("kpis", "windows: []\n", 1, "windows: The list should have at least 1 item, not []"),
    (
        "kpis",
        "windows: [{length: 1m, every: 10s}]\ngroups: [[tier, queue, channel]]\n",
        2,
        "groups.0: The list should have at most 2 items, not ['tier', 'queue', 'channel']",
    ),
    ("kpis", "windows: [1m]\n", 1, "windows.0: expected a mapping, key: value, not '1m'"),
    ("kpis", "time_zone: UTC\n", 1, "windows: is missing"),
    ("kpis", "windows: [{length: 1m, every: 10s}]\ntiers: [gold]\n", 2, "tiers: is not known here"),
    ("kpis", "windows: [{length: 1m, every: 10s}]\nshare: [0, 1]\n", 2, "share: is not known here"),
    ("tracking", "journeys: {need: soon}\n", 1, "journeys.need: expected a duration"),
    (
        "tracking",
        "journeys:\n  session: 1m\n  gap: 72h\n",
        3,
        "journeys.gap: is not known here; remove it or correct its name: session",
    ),
    ("tracking", "journeys: {channel_needs: {fax: 1d}}\n", 1, "journeys.channel_needs"),
    ("tracking", "journeys: {longest_ms: 5}\n", 1, "journeys.longest_ms: is not known here"),
    ("tracking", "journeys: {session: 8d}\n", 1, "a session (8d) is longer than a need (7d)"),
    ("tracking", "journeys: {channel_needs: {chat: 1m}}\n", 1, "a session (30m) is longer than a need (1m) on chat"),
    ("tracking", "journeys: {repeat: 8d}\n", 1, "a repeat (8d) is longer than any need (7d)"),
    ("tracking", "contacts: {channel_horizons: {fax: 1d}}\n", 1, "contacts.channel_horizons"),
    ("tracking", "contacts: {per_identifier_and_day: 0}\n", 1, "greater than or equal to 1"),
    ("tracking", "contacts:\n  timeout: 1h\n  lateness_ms: 5\n", 3, "contacts.lateness_ms: is not known here"),
    ("tracking", "contacts: {soon_ms: 5}\n", 1, "contacts.soon_ms: is not known here"),
    ("tracking", "segments: {half_live: 1d}\n", 1, "segments.half_live: is not known here"),
    ("tracking", "segments: {}\n", 1, "segments.weights: is missing"),
    ("tracking", "segments:\n  half_lives: {recency: 1d}\n", 2, "segments.half_lives.friction: is missing"),
    ("tracking", f"{SEGMENTS}silence:\n  tier_floors: {{diamond: 30d}}\n", 3, "'diamond' is not a tier of tiers.yaml"),
    ("tracking", f"{SEGMENTS}silence: {{floor: 12h}}\n", 2, "at least the longest time-out of a contact, 24h"),
    ("tracking", f"{SEGMENTS}silence: {{factor: 0}}\n", 2, "silence.factor: Input should be greater than 0"),
    ("outreach", f"{RULE}, after: birthday}}\n", 2, "rules.0.after: Input should be 'purchase', 'delivery'"),
    ("outreach", f"{RULE}, after: purchase, channel: fax}}\n", 2, "rules.0.channel: Input should be 'voice'"),
    ("outreach", f"{RULE}, after: purchase, delay: -2h}}\n", 2, "rules.0.delay: expected a duration"),
    (
        "outreach",
        f"{RULE}, after: purchase, channel: email, purpose: p, delay: 5m}}\n",
        2,
        "rules.0.delay: must be at least the lateness of kpis.yaml",
    ),
    ("outreach", f"{RULE}, after: purchase, {WHERE}, tiers: [diamond]}}\n", 2, "'diamond' is not a tier of tiers.yaml"),
    ("outreach", f"{RULE}, after: purchase, {WHERE}, silence: [bad]}}\n", 2, "only a rule after quiet has it"),
    (
        "outreach",
        f"{RULE}, after: purchase, {WHERE}}}\n  - {{name: a, after: delivery, {WHERE}}}\n",
        1,
        "the same name: a",
    ),
    ("outreach", "quiet_hours:\n  from: 20:00\n  until: '08:00'\n", 2, "expected a time of day in quotes"),
    ("outreach", "time_zone: Mars/Olympus\n", 1, "expected a time zone of the tz database"),
    ("outreach", "caps:\n  - {most: 0, within: 1d}\n", 2, "caps.0.most: Input should be greater than or equal to 1"),
    ("nobody", "words:\n  en:\n    - unknown\n    - '--'\n", 4, "words.en.1: '--' has no letter or digit that counts"),
    ("nobody", "mailboxes: ['*']\n", 1, "mailboxes.0: '*' has no letter"),
    ("nobody", "words:\n  en: [null]\n", 2, "words.en.0: Input should be a valid string, not None"),
    ("nobody", "numbers:\n  - 4711\n", 2, "numbers.0: Input should be a valid string, not 4711"),
    ("nobody", "names: []\n", 1, "names: is not known here"),
    ("hours", f"{OFFICE}    time_zone: Europe/Munich\n", 4, "calendars.office.time_zone: expected a time zone of the tz"),
    ("hours", "calendars:\n  office: {weekly: {monday: [08:00-12:00]}}\n", 2, "calendars.office.time_zone: is missing"),
    ("hours", f"{ZONED}    holidays:\n      country: XX\n", 6, "holidays.country: expected a country of two capital letters"),
    ("hours", f"{ZONED}    holidays: {{country: DEU}}\n", 5, "expected a country of two capital letters"),
    ("hours", f"{ZONED}    holidays:\n      country: DE\n      subdivision: ZZ\n", 7, "'ZZ' is no subdivision of DE with"),
    ("hours", f"{ZONED}    holidays: {{country: DE, region: BY}}\n", 5, "remove it or correct its name: country, subdivision"),
    ("hours", f"{ZONED}    weekly:\n", 5, "the key 'weekly' occurs twice"),
    ("hours", f"{ZONED}    holiday: {{}}\n", 5, "remove it or correct its name: time_zone, weekly, holidays, special"),
    ("hours", "calendar: {}\n", 1, "calendar: is not known here; remove it or correct its name: calendars, queues,"),
    ("hours", f"{WEEK}      someday: closed\n", 5, "weekly.someday: Input should be 'monday', 'tuesday'"),
    ("hours", f"{WEEK}      monday: [9:00-12:00]\n", 5, "weekly.monday.0: expected opening hours such as 08:00-18:00"),
    ("hours", f"{WEEK}      monday: [09:00-24:01]\n", 5, "weekly.monday.0: expected opening hours"),
    ("hours", f"{WEEK}      monday: [09:00-12:60]\n", 5, "weekly.monday.0: expected opening hours"),
    ("hours", f"{WEEK}      monday: [09:00-09:00]\n", 5, "opening and closing are the same; a whole day is 00:00-24:00"),
    ("hours", f"{WEEK}      monday: 9\n", 5, "weekly.monday: expected a list, not 9"),
    ("hours", f"{WEEK}      monday: shut\n", 5, "weekly.monday: expected a list of opening hours, or closed, not 'shut'"),
    ("hours", f"{WEEK}      monday: [08:00-12:00]\n      friday: [09:00-12:00, 08:00-09:01]\n", 6,
     "weekly.friday: 09:00-12:00 overlaps 08:00-09:01"),
    ("hours", f"{WEEK}      monday: [01:00-12:00]\n      sunday: [18:00-02:00]\n", 5,
     "weekly.monday: 01:00-12:00 overlaps 18:00-02:00 of sunday, which goes on after midnight"),
    ("hours", f"{WEEK}      monday: closed\n", 4, "calendars.office.weekly: is never open"),
    ("hours", f"{ZONED}    special:\n      2026-02-30: closed\n", 6, "special.2026-02-30: Input should be a valid date"),
    ("hours", f"{ZONED}    special:\n      christmas: closed\n", 6, "special.christmas: Input should be a valid date"),
    ("hours", f"{ZONED}    special:\n      2026-12-24: [09:00-11:00, 10:00-12:00]\n", 6,
     "special.2026-12-24: 10:00-12:00 overlaps 09:00-11:00"),
    ("hours", f"{ZONED}    special:\n      2026-12-27: [18:00-08:30]\n", 6,
     "special.2026-12-27: 08:00-18:00 overlaps 18:00-08:30 of 2026-12-27, which goes on after midnight (monday)"),
    ("hours", f"{ZONED}    special:\n      2026-12-27: [18:00-08:30]\n      2026-12-28: [08:00-09:00]\n", 7,
     "special.2026-12-28: 08:00-09:00 overlaps 18:00-08:30 of 2026-12-27"),
    ("hours", f"{ZONED}queues:\n  sales: offices\n", 6, "queues.sales: 'offices' is not one of the calendars (office)"),
    ("hours", f"{ZONED}channels:\n  fax: office\n", 6, "channels.fax: Input should be 'voice'"),
    ("hours", "channels:\n  email: office\n", 2, "channels.email: 'office' is not one of the calendars (none)"),
    ("hours", "default: office\n", 1, "default: 'office' is not one of the calendars (none)"),
    ("hours", "queues:\n  sales: 5\n", 2, "queues.sales: Input should be a valid string, not 5"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "line", "message"), MISTAKES)
def test_a_mistake_is_named_with_file_line_and_path(
    tmp_path: Path, name: str, text: str, line: int, message: str
) -> None:
    file = tmp_path / f"{name}.yaml"
    file.write_text(text)
    with pytest.raises(RulesError) as caught:
        load(tmp_path)
    [found] = [each for each in str(caught.value).splitlines() if message in each]
    assert found.startswith(f"{file}:{line}: ")


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text("rules:\n  - {name: A, subject: contact, when: {waiting: {above: x}}}\n")
    (tmp_path / "tiers.yaml").write_text("tiers: {}\n")
    with pytest.raises(RulesError) as caught:
        load(tmp_path)
    assert len(str(caught.value).splitlines()) == 3


def test_a_list_whose_only_item_is_wrong_is_one_mistake(tmp_path: Path) -> None:
    (tmp_path / "kpis.yaml").write_text("windows:\n  - {length: 10m, every: 15m}\n")
    with pytest.raises(RulesError) as caught:
        load(tmp_path)
    [found] = str(caught.value).splitlines()
    assert found.endswith("kpis.yaml:2: windows.0: a window of 10m must be a multiple of its step of 15m")
