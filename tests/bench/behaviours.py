"""``python -m tests.bench.behaviours``: CPU that reading an agent's text for behaviours takes, with the deadline that a
promise names; and a contact's scores.

µs a text, the best of three runs. The last lines are texts of 100,000 characters, of which the first 10,000 are read.
"""

import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from streams.contacts.contact import Contact
from streams.contacts.service import Seen, Service
from streams.quality.scoring import Around, quality
from streams.rules import load
from tests.support.transcripts import CURT, KIND, WITHIN_TWO_HOURS

RULES = load()
SAID = 1_772_631_000_000
"""When the texts are written."""
PLAIN = (
    "Please send me the document and I will have a look at it with my colleagues, who do this kind of thing every day."
)
LONG = {
    "promises": "I'll call you by friday " * 4_300,
    "one word": "A" * 100_000,
    "words": "i understand how " * 6_000,
    "signs": "稍等我" * 34_000,
}


def cpu_us(work: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(3):
        began = time.thread_time()
        for _ in range(times):
            work()
        found.append((time.thread_time() - began) / times)
    return min(found) * 1e6


def main() -> None:
    phrases, deadlines, zone = RULES.behaviours.of, RULES.deadlines, ZoneInfo("Europe/Zurich")

    def of(text: str, language: str | None = None) -> None:
        shown = phrases(text, language)
        if shown and not deadlines.promises.isdisjoint(shown):
            deadlines.of(text, language, SAID, zone)

    rows = [("plain", "en", PLAIN)]
    rows += [
        (f"{name} {code}", code, text)
        for name, said in (("curt", CURT), ("kind", KIND))
        for code, texts in said.items()
        for text in texts
    ]
    rows += [("promise " + code, code, f"{KIND[code][1]} {text}") for code, text in WITHIN_TWO_HOURS.items()]
    total, most = 0.0, dict.fromkeys(KIND, 0.0)
    for name, code, text in rows:
        tagged, untagged = (cpu_us(lambda text=text, tag=tag: of(text, tag), 500) for tag in (code, None))  # type: ignore[misc]
        total += untagged
        most[code] = max(most[code], tagged, untagged)
        print(f"{name:10} {len(text):4} characters  {tagged:6.1f} µs with its language  {untagged:6.1f} without")
    print(f"mean of {len(rows)} texts without language: {total / len(rows):.1f} µs")
    print("at most, by language: " + ", ".join(f"{code} {us:.0f} µs" for code, us in most.items()))
    seen = tuple(Seen(name, "e1", 1, 5) for name in RULES.behaviours.names)
    contact = Contact(
        "c1",
        "chat",
        0,
        240_000,
        state="ended",
        outcome="answered",
        ended=240_000,
        answered=20_000,
        wait_ms=20_000,
        service=Service(3, seen),
    )
    score = cpu_us(lambda: quality(contact, RULES.customers.quality, Around(60_000, 20_000, (), 300_000)), 500)
    print(f"three scores of a contact with {len(seen)} behaviours: {score:.1f} µs")
    for name, text in LONG.items():
        print(f"{name}: {cpu_us(lambda text=text: of(text), 3) / 1000:.2f} ms for {len(text):,} characters")  # type: ignore[misc]


if __name__ == "__main__":
    main()
