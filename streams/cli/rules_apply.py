"""``contact-streams rules apply`` and ``applied``: alert rules that are changed while workers run."""

import asyncio
import getpass
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from streams.cli.common import AsJson, Prefix, err, load
from streams.local.text import Terminal, as_json, echo

if TYPE_CHECKING:
    from streams.rules import Rules
    from streams.rules.applied import Applied, Wanted
    from streams.settings import Settings
    from streams.worker.answering import Answer
    from streams.worker.applying import Change, Proposal


def apply(
    directory: Annotated[Path, typer.Argument(help="Folder with alerts.yaml; its other files must be the workers'.")],
    reason: Annotated[str | None, typer.Option(help="Why; needed to apply.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so. Default: the user of this machine.")] = None,
    only_show: Annotated[bool, typer.Option("--dry-run", help="Only check, and show what would change.")] = False,
    json_asked: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Put the alert rules of a folder in force while workers run: all of them change at the same place of the log, and
    alerts that fire are judged anew. It waits for up to 30 s until workers have taken it, or refused it.

    Only alerts.yaml is applied; every other file needs a restart. From then on the applied rules count, whatever
    alerts.yaml a worker starts with.

    [bold]Examples[/]: contact-streams rules apply my-rules --dry-run

    contact-streams rules apply my-rules --reason "the bank holiday is over"
    """
    from streams import rules
    from streams.rules import RulesError
    from streams.rules.applied import Wanted
    from streams.worker.applying import checked, proposal

    settings = load(rules_dir=directory, topic_prefix=topic_prefix)
    if not directory.is_dir():
        raise RulesError(f"{directory}: not a folder")
    if not (directory / "alerts.yaml").is_file():
        raise RulesError(f"{directory}: has no alerts.yaml, and nothing else can be applied")
    decided = rules.of(settings)
    wanted = proposal(directory, decided)
    if not only_show and not (reason or "").strip():
        raise RulesError("--reason is missing: say why, for who looks at it later; or --dry-run")
    told = Wanted(wanted.version, wanted.rules, by or getpass.getuser(), reason or "-", int(time.time() * 1000))
    checked(settings, told, told.time)
    err.note(f"{directory / 'alerts.yaml'}: the rules are fine, version {wanted.version}")
    settings = load(broker=True, rules_dir=directory, topic_prefix=topic_prefix)
    done = asyncio.run(_apply(settings, decided, None if only_show else told))
    _say(done, wanted, as_data=json_asked, decided=decided)
    if done.answer is not None and done.answer.what == "refused":
        raise RulesError(f"workers refused version {wanted.version}, and what was in force stays: {done.answer.why}")


class _Done(NamedTuple):
    known: "Applied | None"
    """What was in force."""
    number: int | None = None
    """Under which they are applied; None = they are not."""
    answer: "Answer | None" = None


async def _apply(settings: "Settings", decided: "Rules", told: "Wanted | None") -> _Done:
    from streams.rules.applied import Wanted
    from streams.worker.answering import listening
    from streams.worker.applying import checked, in_force, next_number, publish

    known = await in_force(settings, decided.customers.reader)
    if told is None:
        return _Done(known)
    number = next_number(known, told.time)
    value = checked(settings, told, number)
    async with listening(settings) as answers:
        await publish(settings, value)
        with err.status("workers are to take it ..."):
            done = _Done(known, number, await answers.of(value))
    if done.answer is not None and done.answer.what == "refused" and known is not None:
        # What lies last on the topic is what is left of it one day: that has to be what is in force.
        before = Wanted(known.version, known.rules, known.by, known.reason, told.time)
        await publish(settings, checked(settings, before, number + 1))
    return done


def _say(done: _Done, wanted: "Proposal", *, as_data: bool, decided: "Rules") -> None:
    from streams.worker.applying import changes

    known, number, answer = done
    same = known is not None and known.version == wanted.version
    if same and known is not None:
        number = known.number
    found = [] if known is None else changes(
        decided.customers.reader.read(known.version, known.rules).file, wanted.read.file
    )  # fmt: skip
    if as_data:
        told = [each._asdict() for each in found]
        before = None if known is None else known.version
        what = {"answer": None if answer is None else answer._asdict()}
        echo(as_json({"version": wanted.version, "number": number, "before": before, "changes": told} | what))
        return
    if known is None:
        err.note("nothing was applied so far: workers go by the alerts.yaml that they were started with")
        echo(f"{len(wanted.read.names)} rules: {', '.join(sorted(wanted.read.names)) or 'none'}")
    for each in found:
        echo(_line(each))
    if same and (answer is None or answer.what == "taken"):
        echo(f"version {wanted.version} is in force already; nothing changes")
    elif answer is None:
        echo(f"would be applied as version {wanted.version}; nothing is applied")
    elif answer.what != "refused":
        echo(f"applied as version {wanted.version}, number {number}: {_ANSWERS[answer.what]}")
        if answer.meanwhile:
            err.note(f"others were applied a moment before, and these replace them: {answer.meanwhile}")


_ANSWERS = {
    "taken": "workers have taken it, and each task goes over to it where it reads it",
    "nobody": "no worker runs; those that are started go over to it when they read it",
    "late": "no worker has answered so far; see contact-streams rules applied, and the dead letters",
}


def _line(change: "Change") -> str:
    return f"{change.what:8} {change.rule}" + (f": {', '.join(change.fields)}" if change.fields else "")


def applied(json_asked: AsJson = False, topic_prefix: Prefix = None) -> None:
    """Show the alert rules that were applied last: version, number, who, when, why, and what they say.

    [bold]Examples[/]: contact-streams rules applied

    contact-streams rules applied --json
    """
    import yaml

    from streams import rules
    from streams.base.times import iso
    from streams.worker.applying import in_force

    settings = load(broker=True, topic_prefix=topic_prefix)
    known = asyncio.run(in_force(settings, rules.of(settings).customers.reader))
    if known is None:
        if json_asked:
            echo("null")
        else:
            echo("nothing was applied: workers go by the alerts.yaml that they were started with")
        return
    head: dict[str, Any] = {
        "version": known.version, "number": known.number, "by": known.by, "at": iso(known.time), "reason": known.reason,
    }  # fmt: skip
    if json_asked:
        echo(as_json(head | {"rules": known.rules}))
        return
    for name, value in head.items():
        echo(f"# {name}: {value}")
    Terminal().plain(yaml.safe_dump(dict(known.rules), sort_keys=False, allow_unicode=True, width=120).rstrip("\n"))
