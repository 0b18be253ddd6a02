"""``python -m tests.bench.masking``: CPU that masking takes for 100,000 characters made to be dear, whether it grows with
the length alone, and what it takes for ordinary texts.

Regions: none and DE, the dearer one counts. Times are CPU milliseconds; the first line is the worst. The second column is
the time of 100,000 characters by that of 25,000: 4 = linear, less where the budget ends it before.
"""

import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from streams.intake.masking import mask
from tests.support.dear_texts import TEXTS

SIZE, QUARTER = 100_000, 25_000
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


def dearer(text: str, times: int) -> float:
    """Milliseconds in the dearer region."""
    return max(cpu_ms(lambda region=region: mask(text, region), times) for region in (None, "DE"))  # type: ignore[misc]


def main() -> None:
    took = {name: (dearer(make(SIZE), 1), dearer(make(QUARTER), 2)) for name, make in TEXTS.items()}
    table = Table("text of 100,000 characters", "CPU ms", "× 25,000", box=None)
    for name, (whole, quarter) in sorted(took.items(), key=lambda pair: -pair[1][0]):
        table.add_row(name, f"{whole:.1f}", f"{whole / quarter:.1f}")
    console = Console()
    console.print(table)
    every = [whole for whole, _ in took.values()]
    steepest = max(whole / quarter for whole, quarter in took.values() if whole > 5)
    console.print(f"all {len(took)}: {sum(every):.0f} ms, worst {max(every):.1f} ms, steepest {steepest:.1f}")
    for name, text in ORDINARY.items():
        each = cpu_ms(lambda text=text: [mask(text, "DE") for _ in range(200)]) / 200  # type: ignore[misc]
        console.print(f"{name} ({len(text)} characters): {each * 1000:.1f} µs")


if __name__ == "__main__":
    main()
