"""python -m tests.reference: thousands of random histories, with progress, and the smallest of each kind that differs.

--histories N   of each theme (100)      --first N   first seed (0)
--theme NAME    only these (repeatable)  --kind NAME only these differences (repeatable)
--way NAME      replay, paced replay or live; by turns when left out
--seed N        tell one history and what differs, nothing made smaller
"""

import argparse
import sys
import time
from collections import Counter

from tests.reference.compare import KINDS
from tests.reference.histories import THEMES, make
from tests.reference.run import WAYS, check, report, way


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__)
    words.add_argument("--histories", type=int, default=100)
    words.add_argument("--first", type=int, default=0)
    words.add_argument("--theme", action="append", choices=list(THEMES))
    words.add_argument("--kind", action="append", choices=list(KINDS))
    words.add_argument("--way", choices=list(WAYS))
    words.add_argument("--seed", type=int)
    given = words.parse_args()
    themes, kinds = given.theme or list(THEMES), given.kind or list(KINDS)
    if given.seed is not None:
        return tell(themes, given.seed, given.way, kinds)
    wrong: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], tuple[int, str]] = {}
    begun, done = time.monotonic(), 0
    for seed in range(given.first, given.first + given.histories):
        for theme in themes:
            _, how, found = check(theme, seed, given.way)
            done += 1
            for kind in {one.kind for one in found} & set(kinds):
                wrong[theme, kind] += 1
                first.setdefault((theme, kind), (seed, how))
        rate = done / (time.monotonic() - begun)
        print(f"\rseed {seed}: {done} histories, {rate:.1f}/s, {sum(wrong.values())} differ", end="", file=sys.stderr)
    print(file=sys.stderr)
    for (theme, kind), count in sorted(wrong.items(), key=lambda one: -one[1]):
        seed, how = first[theme, kind]
        print(f"{count:5} {theme:14} {kind:10} first: --theme {theme} --way '{how}' --seed {seed}")
    smallest: dict[str, tuple[str, int, str]] = {}
    for (theme, kind), (seed, how) in first.items():
        smallest.setdefault(kind, (theme, seed, how))
    for kind, (theme, seed, how) in smallest.items():
        print(f"\n--- {kind}\n{report(theme, seed, how, kind)}")
    return 1 if wrong else 0


def tell(themes: list[str], seed: int, how: str | None, kinds: list[str]) -> int:
    bad = 0
    for theme in themes:
        print(f"--- {theme}, seed {seed}, {how or way(seed)}\n{make(theme, seed)}")
        for one in check(theme, seed, how)[2]:
            if one.kind in kinds:
                print(one)
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
