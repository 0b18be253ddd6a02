"""From a call that waits to the webhook of who is to know: workers, `contact-streams notify`, a receiver."""

import time
from pathlib import Path

import pytest

from streams.base.times import iso
from tests.support.notify import Hook, Post
from tests.support.system import System, event
from tests.support.waiting import until

pytestmark = pytest.mark.slow


async def test_a_customer_who_waits_is_told_and_that_it_is_over(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "secret")
    file = tmp_path / "notify.yaml"
    post = Post(system.settings.bootstrap_servers, system.settings.topic_prefix)
    async with Hook().run() as hook, system.run():
        file.write_text(
            f"targets: {{desk: {{webhook: {{url: '{hook.url}', secret: {{env: HOOK_SECRET}}}}}}}}\n"
            "routes: [{match: [rule=high-tier-wait], targets: [desk]}]\n"
        )
        async with post.process(file, tmp_path / "notify.log"):
            about = {"queue": "cards", "customer_id": "cust-1", "tier": "gold"}
            now = time.time()
            await system.events(
                event("contact.initiated", "call-1", now - 300, **about),
                event("contact.queued", "call-1", now - 299, **about),
            )
            await until(lambda: len(hook.bodies) == 1, 60)
            await system.events(
                event("contact.connected", "call-1", now, agent_id="a1", **about),
            )
            await until(lambda: len(hook.bodies) == 2, 60)
    (fired,), (over,) = (each["events"] for each in hook.bodies)
    assert (fired["alert"]["state"], over["alert"]["state"]) == ("firing", "resolved")
    assert fired["alert"]["episode_id"] == over["alert"]["episode_id"]
    assert fired["alert"]["subject"]["customer"] == "customer:cust-1"
    assert over["because"] == "answered"
    assert over["alert"]["resolved_at"] == iso(int(now * 1000))
    assert set(hook.taken.values()) == {1}
