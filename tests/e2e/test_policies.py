"""``contact-streams policies compare`` on a morning that went through the whole product, by figures computed by hand."""

import asyncio
import json
import time

from typer.testing import CliRunner

from streams.base.times import iso
from streams.cli.main import app
from streams.settings import environment
from tests.support.system import System, event


async def cli(system: System, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``contact-streams policies …``; in a thread, for its own event loop."""
    given = {**environment(system.settings), "COLUMNS": "240"}
    done = await asyncio.to_thread(CliRunner().invoke, app, ["policies", *arguments], env=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


async def call(system: System, name: str, tier: str, times: tuple[float, float], handled: int | None) -> None:
    """A call in one queue: when it entered and left it; without a handle time it was abandoned."""
    entered, left = times
    more = {"queue": "sales", "customer_id": name, **({} if tier == "none" else {"tier": tier})}
    told = [event("contact.queued", name, entered, **more)]
    if handled is None:
        told.append(event("contact.ended", name, left, by="customer", reason="abandoned"))
    else:
        told.append(event("contact.connected", name, left, agent_id="a-1"))
        told.append(event("contact.ended", name, left + handled, by="customer"))
    await system.events(*told)


async def test_two_policies_on_a_recorded_morning(system: System) -> None:
    """One agent, free at 0, 60, 120 and 240 s; mean handle time 75 s. In the record x2 is taken at 60 s, and p1 gives up
    at 100 s. Tiered takes p1 at 60 s, g1 at 120 s, and x2 when p1 is done, at 135 s.
    """
    began = float(int(time.time()) - 900)
    async with system.run(1):
        await call(system, "x1", "none", (began + 0, began + 0), 60)
        await call(system, "x2", "none", (began + 10, began + 60), 60)
        await call(system, "p1", "platinum", (began + 20, began + 100), None)
        await call(system, "g1", "gold", (began + 30, began + 120), 120)
        await call(system, "x3", "none", (began + 40, began + 240), 60)
        await system.events(
            event("contact.connected", "b1", began + 50, channel="bot", party="bot"),
            event("contact.ended", "b1", began + 90, channel="bot", by="customer", reason="self-served"),
            event("feedback.given", "g1", began + 300, metric="csat", score=5),
            event("feedback.given", "x3", began + 310, metric="csat", score=2),
        )
        await system.drained()
        span = ("--from", iso(int(began * 1000)), "--to", iso(int(began * 1000) + 600_000))
        code, out, err = await cli(system, "compare", "one-size-fits-all", "tiered", *span, "--format", "json")
        assert (code, err) == (0, "")
        found = json.loads(out)
        one, tiered = (each["total"] for each in found["policies"])
        assert found["currency"] == "EUR"
        counted = ("contacts", "offered", "answered", "abandoned", "rescued", "mean_wait_ms")
        assert [one[name] for name in counted] == [6, 5, 4, 1, 0, 85_000]
        assert [tiered[name] for name in counted] == [6, 5, 5, 0, 1, 91_000], "(0 + 125 + 40 + 90 + 200) / 5 s"
        # 60 for each call and 75 a minute: x1, x2, x3 135 each, g1 210, p1 60; the bot 5
        assert one["cost"] == 3 * 135 + 210 + 60 + 5
        # the seniors 105 a minute: p1 60 + 1.25 × 105 = 191.25, g1 60 + 2 × 105 = 270; 871.25 in all
        assert tiered["cost"] == 871
        assert (one["csat_answers"], one["csat_satisfied"]) == (2, 50.0)
        # one size: p1 gave up (6 % of 2,400.00), x3 waited 200 s of 180 s (3 % of 80.00)
        assert (one["broken"], one["customers_broken"], one["value_at_risk"]) == (2, 2, 14_400 + 240)
        # tiered: p1 waited 40 s of 20 s, g1 90 s of 45 s (5 % of 900.00)
        assert (tiered["broken"], tiered["customers_broken"], tiered["value_at_risk"]) == (2, 2, 14_400 + 4_500)
        (even,) = found["break_even"]
        assert (even["extra_cost"], even["value_kept"], even["pays"]) == (191, -4_260, False)
        same = (*span, "--promises", "one-size-fits-all", "--format", "json")
        code, out, _ = await cli(system, "compare", "one-size-fits-all", "tiered", *same)
        (even,) = json.loads(out)["break_even"]
        assert (even["extra_cost"], even["value_kept"], even["pays"]) == (191, 14_400, True)
        # 2,400.00 + 900.00 + 3 × 80.00 of the callers and 80.00 of who wrote to the bot, of six
        assert even["mean_margin"] == 60_333, "362,000 / 6"
        code, out, _ = await cli(system, "compare", "tiered", "premium-for-all", *span)
        assert code == 0
        assert "premium-for-all against tiered: costs" in out
        code, _, err = await cli(
            system, "compare", "tiered", "one-size-fits-all", "--from", "1999-02-01", "--to", "1999-02-07"
        )
        assert code == 1
        assert (
            "no contact began from 1999-02-01T00:00:00.000Z to 1999-02-08T00:00:00.000Z on the line live; what" in err
        )
        code, _, err = await cli(system, "compare", "tiered", "one-size-fits-all", *span, "--line", "week-5")
        assert (code, err.split(";")[0].strip()) == (1, "contact-streams: no contact is recorded on the line week-5")
