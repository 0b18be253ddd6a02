"""Plots of the benchmarks for the documents, drawn from .bench/product/*.json and .bench/reference.json.

``python -m tests.bench.plots [--out docs/images]`` draws one SVG for each result there is. matplotlib is not installed
with the project: the benchmark's own environment has it, and draws.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

COLOURS = ["#4e79a7", "#f28e2b", "#59a14f", "#76b7b2", "#e15759", "#b07aa1", "#9c9c9c"]
WIDTH_IN, HEIGHT_IN = 7.2, 3.2


def median(rounds: list[dict[str, Any]], name: str) -> float:
    """The median of a field over the rounds; 0 where it was not measured."""
    values = [each[name] for each in rounds if each.get(name) is not None]
    return statistics.median(values) if values else 0.0


def by_cause(rounds: list[dict[str, Any]], hop: str | None = None) -> dict[str, float]:
    """Cause → µs per event, all hops together or one of them; the medians of the rounds."""
    sums: dict[str, list[float]] = {}
    for each in rounds:
        hops = [causes for name, causes in each["causes"].items() if hop in (None, name)]
        for cause in next(iter(each["causes"].values())):
            sums.setdefault(cause, []).append(sum(causes[cause] for causes in hops))
    return {cause: statistics.median(values) for cause, values in sums.items()}


def stacks(result: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Bar → its parts: for `causes` a bar per hop, else one per row; without causes the whole cost is one part."""
    rows: dict[str, list[dict[str, Any]]] = result["rows"]
    if result["mode"] == "causes":
        rounds = next(iter(rows.values()))
        order = ("ingest", "identify", "track", "measure", "alert", "shared")
        return {hop: by_cause(rounds, hop) for hop in order if hop in rounds[0]["causes"]}
    if all("causes" in each for rounds in rows.values() for each in rounds):
        return {name: by_cause(rounds) for name, rounds in rows.items()}
    return {name: {"all causes": median(rounds, "cpu_us_per_event")} for name, rounds in rows.items()}


def lines(result: dict[str, Any]) -> tuple[str, dict[str, list[float]]] | None:
    """What is drawn as lines over the rows: (unit, name → values); None = bars of the cost are drawn instead."""
    rows: dict[str, list[dict[str, Any]]] = result["rows"]
    wanted = {
        "latency": ("ms", {"p50": "p50_ms", "p90": "p90_ms", "p99": "p99_ms"}),
        "scaling": ("events/s", {"all workers together": "events_per_second"}),
        "memory": ("MiB resident", {"after the start": "ready_rss_mib"}),
    }.get(result["mode"])
    if wanted is None:
        return None
    unit, fields = wanted
    return unit, {name: [median(rounds, field) for rounds in rows.values()] for name, field in fields.items()}


def _style() -> None:
    """The same SVG for the same figures."""
    import matplotlib as mpl  # noqa: PLC0415 - only the benchmark's own environment has it

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "contact-streams", "svg.fonttype": "none", "font.family": "sans-serif"})


def draw(result: dict[str, Any], target: Path) -> None:
    """One result as an SVG."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(WIDTH_IN, HEIGHT_IN))
    names, as_lines = list(result["rows"]), lines(result)
    if as_lines is not None:
        unit, series = as_lines
        for colour, (name, values) in zip(COLOURS, series.items(), strict=False):
            axes.plot(names, values, marker="o", color=colour, label=name)
        axes.set_ylabel(unit)
    else:
        bars = stacks(result)
        names, bottoms = list(bars), [0.0] * len(bars)
        for colour, cause in zip(COLOURS, next(iter(bars.values())), strict=False):
            heights = [parts[cause] for parts in bars.values()]
            axes.bar(names, heights, bottom=bottoms, color=colour, label=cause, width=0.6)
            bottoms = [low + height for low, height in zip(bottoms, heights, strict=True)]
        axes.set_ylabel("CPU µs per event")
    axes.set_ylim(bottom=0)
    axes.set_title(f"{result['mode']} (store: {result['store']})", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def draw_reference(result: dict[str, Any], target: Path) -> None:
    """The systems side by side: events per second, and CPU per event with the broker's."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    systems = {name: found for name, found in result["systems"].items() if found["rounds"]}
    names = list(systems)[::-1]

    def of(figure: str) -> list[float]:
        return [systems[name].get(figure, {}).get("median", 0.0) for name in names]

    figure, (speed, cost) = plt.subplots(1, 2, figsize=(WIDTH_IN * 1.4, 0.32 * len(names) + 1.0), sharey=True)
    colours = [COLOURS[0] if name.startswith("ours") else COLOURS[6] for name in names]
    speed.barh(names, of("events_per_second"), color=colours)
    speed.set_title("events per second", fontsize=10)
    own, broker = of("cpu_s_per_million"), of("broker_cpu_s_per_million")
    cost.barh(names, own, color=colours)
    cost.barh(names, broker, left=own, color=COLOURS[1], label="broker")
    cost.set_xscale("log")
    cost.set_xlim(left=3)
    cost.set_title("CPU seconds per million events (logarithmic)", fontsize=10)
    cost.legend(frameon=False, fontsize=8)
    for axes in (speed, cost):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    root = Path(__file__).parents[2]
    parser = argparse.ArgumentParser(description="plots of the product benchmark, as SVG")
    parser.add_argument("--out", type=Path, default=root / "docs" / "images")
    parser.add_argument("--draw", type=Path, nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.draw is None:
        from tests.bench.product.tools import RESULTS, tool  # noqa: PLC0415 - not there when the other environment draws

        found = sorted(str(file) for file in RESULTS.glob("*.json") if not file.name.startswith("rebalance"))
        found += [str(file) for file in RESULTS.parent.glob("reference.json")]
        if not found:
            sys.exit(f"nothing to draw in {RESULTS}: run `python -m tests.bench.product` first")
        subprocess.run([tool("python"), __file__, "--out", str(given.out.resolve()), "--draw", *found], check=True)
        return
    given.out.mkdir(parents=True, exist_ok=True)
    for file in given.draw:
        target = given.out / f"bench-{file.stem}.svg"
        _style()
        result = json.loads(file.read_text())
        (draw_reference if "systems" in result else draw)(result, target)
        print(target.name)


if __name__ == "__main__":
    main()
