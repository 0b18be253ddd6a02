"""What a customer's profile says about being spoken to: consent, where the customer is, in which language; as of any
moment, whatever the order in which it was told.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from streams.base.records import Profile
from streams.base.times import DAY_MS, SECOND_MS
from streams.customers.outreach_rules import QuietHours

Word = tuple[int, str, str]
"""(time, what, value)."""
Words = tuple[Word, ...]
"""In order. Of one moment a refusal is the last word."""

ZONE, COUNTRY, LANGUAGE, CONSENT = "zone", "country", "language", "ok:"
LOST = "lost"
"""Of what was said of consent something is not known any more; the time is that of the latest refusal among it."""
GIVEN, REFUSED = "+", "-"
MAX_WORDS = 64
MAX_NAME = 64
"""Characters of a name of consent; no rule asks for a longer one."""
LATE_MS = 14 * DAY_MS
"""Words that lie so far behind stream time are as they are: twice the age at which an event is still taken."""


def said_by(profile: Profile) -> list[Word]:
    """What a profile event says of it."""
    known = ((ZONE, profile.time_zone), (COUNTRY, profile.country), (LANGUAGE, profile.language))
    words = [(profile.time, what, value) for what, value in known if value]
    consents = sorted((profile.consent or {}).items())
    said = [(profile.time, CONSENT + name, GIVEN if given else REFUSED) for name, given in consents]
    return words + [word for word in said if len(word[1]) <= len(CONSENT) + MAX_NAME]


def with_words(words: Words, more: list[Word], now: int | None) -> Words:
    """With more of them. What is long superseded at a stream time (ms) goes; of too many goes what matters least, and
    never so that a refusal is forgotten.
    """
    lost, names = next((time for time, what, _ in words if what == LOST), -1), {what for _, what, _ in words}
    new = {word for word in more if word[0] > lost or word[2] != GIVEN or word[1] in names}.difference(words)
    if not new:  # what is given and no later than what was lost may have been refused since
        return words
    known = sorted((*words, *new))
    behind = [] if now is None else [word for word in known if word[0] < now - LATE_MS]
    kept = sorted(_latest(behind).values()) + known[len(behind) :]
    return tuple(kept if len(kept) <= MAX_WORDS else _fewer(kept))


def _latest(words: list[Word]) -> dict[str, Word]:
    """By what they say; words are in order."""
    return {word[1]: word for word in words}


def _fewer(words: list[Word]) -> list[Word]:
    """So few as are kept. First goes what changes nothing, then what is superseded, refusals last; then, of more names
    than there is room for, what was given; and only then refusals. From then on what is unknown counts as refused.
    """
    kept = _telling(words)
    latest = set(_latest(kept).values())
    superseded = sorted((word for word in kept if word not in latest), key=lambda word: (_is_refusal(word), word))
    gone = set(superseded[: max(0, len(kept) - MAX_WORDS)])
    kept = [word for word in kept if word not in gone]
    if len(kept) <= MAX_WORDS:
        return kept
    others = [word for word in kept if word[1] != LOST]
    consents = [word for word in others if word[1].startswith(CONSENT)]
    lost = set(sorted(consents, key=lambda word: (_is_refusal(word), word))[: len(others) + 1 - MAX_WORDS])
    before = [time for time, what, _ in kept if what == LOST]
    at = max([*before, *(word[0] for word in lost if _is_refusal(word))], default=0)
    return sorted([(at, LOST, REFUSED), *(word for word in others if word not in lost)])


def _telling(words: list[Word]) -> list[Word]:
    """Without what changes nothing: of equal words in a row the first and the last are left, so that a word which comes
    late in between does not outlive what was said after it.
    """
    rows: dict[str, list[Word]] = {}
    for word in words:
        row = rows.setdefault(word[1], [])
        if len(row) > 1 and row[-1][2] == row[-2][2] == word[2]:
            row.pop()
        row.append(word)
    return sorted(word for row in rows.values() for word in row)


def _is_refusal(word: Word) -> bool:
    return word[1].startswith(CONSENT) and word[2] == REFUSED


def as_of(words: Words, what: str, at: int) -> str | None:
    """The last word of it up to a time."""
    return next((value for time, name, value in reversed(words) if name == what and time <= at), None)


def consent_names(purpose: str, channel: str) -> tuple[str, str, str]:
    """What a profile may call it, the closest first: the purpose on the channel, the purpose, the channel."""
    return f"{CONSENT}{purpose}:{channel}", CONSENT + purpose, CONSENT + channel


def _consent(words: Words, name: str, at: int) -> str | None:
    """Given, refused or unknown (None); what is unknown counts as refused once something of it was lost."""
    said = as_of(words, name, at)
    return REFUSED if said is None and any(what == LOST for _, what, _ in words) else said


def allows(words: Words, purpose: str, channel: str, at: int, *, asked: bool) -> bool:
    """May the customer be spoken to? ``asked``: only with consent; else unless it was refused.

    Refused is what was refused by any of its names, but for the purpose where it was given on this very channel.
    """
    here, purpose_, channel_ = (_consent(words, name, at) for name in consent_names(purpose, channel))
    if here is not None or channel_ == REFUSED:
        return here == GIVEN and channel_ != REFUSED
    return purpose_ == GIVEN if asked else purpose_ != REFUSED


def withdrawn_at(words: Words, purpose: str, channel: str, span: tuple[int, int]) -> int | None:
    """The first time in a span (from, to; both in it) at which it was refused in so many words; None = never."""
    names = consent_names(purpose, channel)
    moments = (time for time, what, value in words if what in names and value == REFUSED and span[0] <= time <= span[1])
    return next((time for time in moments if not allows(words, purpose, channel, time, asked=False)), None)


# Quiet hours


SPREAD: dict[str, tuple[str, ...]] = {
    **{
        country: (zone,)
        for country, zone in (
            ("AE", "Asia/Dubai"), ("AT", "Europe/Vienna"), ("BE", "Europe/Brussels"), ("BG", "Europe/Sofia"),
            ("CH", "Europe/Zurich"), ("CN", "Asia/Shanghai"), ("CO", "America/Bogota"), ("CZ", "Europe/Prague"),
            ("DE", "Europe/Berlin"), ("DK", "Europe/Copenhagen"), ("EE", "Europe/Tallinn"), ("EG", "Africa/Cairo"),
            ("FI", "Europe/Helsinki"), ("FR", "Europe/Paris"), ("GB", "Europe/London"), ("GR", "Europe/Athens"),
            ("HK", "Asia/Hong_Kong"), ("HR", "Europe/Zagreb"), ("HU", "Europe/Budapest"), ("IE", "Europe/Dublin"),
            ("IL", "Asia/Jerusalem"), ("IN", "Asia/Kolkata"), ("IS", "Atlantic/Reykjavik"), ("IT", "Europe/Rome"),
            ("JP", "Asia/Tokyo"), ("KE", "Africa/Nairobi"), ("KR", "Asia/Seoul"), ("LT", "Europe/Vilnius"),
            ("LU", "Europe/Luxembourg"), ("LV", "Europe/Riga"), ("MA", "Africa/Casablanca"), ("MT", "Europe/Malta"),
            ("MY", "Asia/Kuala_Lumpur"), ("NG", "Africa/Lagos"), ("NL", "Europe/Amsterdam"), ("NO", "Europe/Oslo"),
            ("PE", "America/Lima"), ("PH", "Asia/Manila"), ("PL", "Europe/Warsaw"), ("RO", "Europe/Bucharest"),
            ("RS", "Europe/Belgrade"), ("SA", "Asia/Riyadh"), ("SE", "Europe/Stockholm"), ("SG", "Asia/Singapore"),
            ("SI", "Europe/Ljubljana"), ("SK", "Europe/Bratislava"), ("TH", "Asia/Bangkok"), ("TR", "Europe/Istanbul"),
            ("TW", "Asia/Taipei"), ("UA", "Europe/Kyiv"), ("VN", "Asia/Ho_Chi_Minh"), ("ZA", "Africa/Johannesburg"),
        )
    },
    "AR": ("America/Argentina/Buenos_Aires",),
    "AU": ("Australia/Sydney", "Australia/Adelaide", "Australia/Brisbane", "Australia/Perth"),
    "BR": ("America/Noronha", "America/Sao_Paulo", "America/Manaus", "America/Rio_Branco"),
    "CA": ("America/St_Johns", "America/Halifax", "America/Toronto", "America/Regina", "America/Vancouver"),
    "CL": ("America/Santiago", "Pacific/Easter"),
    "ES": ("Europe/Madrid", "Atlantic/Canary"),
    "ID": ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"),
    "KZ": ("Asia/Almaty",),
    "MX": ("America/Cancun", "America/Mexico_City", "America/Hermosillo", "America/Tijuana"),
    "NZ": ("Pacific/Auckland", "Pacific/Chatham"),
    "PT": ("Europe/Lisbon", "Atlantic/Azores"),
    "RU": ("Europe/Kaliningrad", "Europe/Moscow", "Asia/Yekaterinburg", "Asia/Novosibirsk", "Asia/Vladivostok",
           "Asia/Kamchatka"),
    "US": ("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
           "America/Anchorage", "Pacific/Honolulu"),
}  # fmt: skip
"""Country → its time zones, west and east of which nobody lives. Where a country has several, it is quiet as long as it
is in one of them."""


def zones_of(words: Words, at: int, otherwise: ZoneInfo) -> tuple[ZoneInfo, ...]:
    """Where the customer is, by the time zone, else the country, else as the rules say."""
    if (zone := as_of(words, ZONE, at)) is not None and (known := _zone(zone)) is not None:
        return (known,)
    country = as_of(words, COUNTRY, at)
    return tuple(each for name in SPREAD.get(country or "", ()) if (each := _zone(name))) or (otherwise,)


@lru_cache(1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def quiet_until(at: int, hours: QuietHours | None, zones: tuple[ZoneInfo, ...]) -> int | None:
    """The end of the quiet hours (ms) in which a moment lies, in all of the zones; None = it lies in none."""
    now = at
    while hours is not None:
        ends = [end for zone in zones for begin, end in _around(now, hours, zone) if begin <= now < end]
        if not ends:
            break
        now = max(ends)
        if now - at > DAY_MS:  # zones so far apart that it is always quiet in one of them: by the first alone
            return quiet_until(at, hours, zones[:1])
    return None if now == at else now


def quiet_from(at: int, hours: QuietHours | None, zones: tuple[ZoneInfo, ...]) -> int | None:
    """When the next quiet hours begin after a moment that lies in none."""
    if hours is None:
        return None
    return min(begin for zone in zones for begin, _ in _around(at, hours, zone) if begin > at)


def _around(at: int, hours: QuietHours, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """The quiet hours (from, to; ms) of the day before, of the day and of the two days after."""
    local = datetime.fromtimestamp(at / SECOND_MS, UTC).astimezone(zone).date()
    for days in (-1, 0, 1, 2):
        day = local + timedelta(days=days)
        last = day + timedelta(days=int(hours.end <= hours.begin))
        moments = [
            datetime(each.year, each.month, each.day, minutes // 60, minutes % 60, tzinfo=zone)
            for each, minutes in ((day, hours.begin), (last, hours.end))
        ]
        begin, end = (round(moment.timestamp()) * SECOND_MS for moment in moments)
        yield begin, end
