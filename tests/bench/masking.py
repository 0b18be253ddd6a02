"""``python -m tests.bench.masking``: CPU that masking takes for 100,000 characters made to be dear, and for ordinary texts.

Regions: none and DE, the dearer one counts. Times are CPU milliseconds, the least of three; the first line is the worst.
"""

import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from streams.domain.masking import mask
from tests.support.dear_texts import TEXTS

SIZE = 100_000
ORDINARY = {
    "a message of a customer": "Hello, my card 4111 1111 1111 1111 was refused twice on 12.03.2026, please call me at +49 170 1234567. ",
    "a mail of a page": "I have been waiting since Monday for an answer about order 4711998877, write to anna@example.com. "
    * 20,
}


def cpu_ms(work: Callable[[], object], times: int = 3) -> float:
    found = []
    for _ in range(times):
        began = time.thread_time()
        work()
        found.append(time.thread_time() - began)
    return min(found) * 1000


def main() -> None:
    took = {}
    for name, make in TEXTS.items():
        text = make(SIZE)
        took[name] = max(cpu_ms(lambda text=text, region=region: mask(text, region), 1) for region in (None, "DE"))  # type: ignore[misc]
    table = Table("text of 100,000 characters", "CPU ms", box=None)
    for name, ms in sorted(took.items(), key=lambda pair: -pair[1]):
        table.add_row(name, f"{ms:.1f}")
    console = Console()
    console.print(table)
    console.print(f"all {len(took)}: {sum(took.values()):.0f} ms, worst {max(took.values()):.1f} ms")
    for name, text in ORDINARY.items():
        each = cpu_ms(lambda text=text: [mask(text, "DE") for _ in range(200)]) / 200  # type: ignore[misc]
        console.print(f"{name} ({len(text)} characters): {each * 1000:.1f} µs")


if __name__ == "__main__":
    main()
