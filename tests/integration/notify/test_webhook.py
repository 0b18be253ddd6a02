"""A webhook that answers, hangs, breaks off, is broken for an hour, or asks for patience: on a real broker."""

import asyncio
import time
from pathlib import Path

from streams.notify.redelivering import redeliver
from tests.support.notify import HastyClock, Hook, Post, change, event, steps
from tests.support.waiting import until


async def test_steps_are_delivered_once_and_in_the_order_of_each_alert(post: Post, hook: Hook, file: Path) -> None:
    sent = steps(range(40))
    async with post.notify(file) as running:
        await post.publish(*sent, event(99, notify=False), event(98, line="week-5"))
        await until(lambda: len(hook.bodies) == len(sent))
        assert set(hook.taken.values()) == {1}
        for number in range(40):
            mine = [key for key, _ in hook.asked if key.startswith(f"wait.{number}@")]
            assert mine == [f"wait.{number}@1#2", f"wait.{number}@1#3"]
        assert (
            running.metrics.registry.get_sample_value("contact_streams_notify_deliveries_total", {"target": "desk"})
            == 80
        )
    assert [offset for offset, text in (await post.positions("desk")).values() if text] == []


async def test_what_comes_while_it_is_down_is_delivered_after_the_start(post: Post, hook: Hook, file: Path) -> None:
    async with post.notify(file):
        pass  # the first start keeps a position: before it nothing is for this target
    sent = steps(range(5))
    await post.publish(*sent)
    async with post.notify(file):
        await until(lambda: len(hook.bodies) == len(sent))
    async with post.notify(file):
        await post.publish(event(77))
        await until(lambda: "wait.77@1#2" in hook.taken)
    assert sum(hook.taken.values()) == len(sent) + 1


async def test_a_webhook_that_answers_500_for_an_hour_gets_everything_after_it(
    post: Post, hook: Hook, file: Path
) -> None:
    clock = hook.clock = HastyClock()
    hook.until = clock.now() + 3_600_000
    async with post.notify(file, clock) as running:
        await post.publish(*steps(range(20)))
        await until(lambda: len(hook.bodies) == 40, 60)
        assert clock.now() > hook.until
        assert await post.letters() == {}
        failed = sum(status == 500 for _, status in hook.asked)
        assert 30 < failed < 80
        retries = running.metrics.registry.get_sample_value("contact_streams_notify_retries_total", {"target": "desk"})
        assert retries == failed
    assert set(hook.taken.values()) == {1}


async def test_one_alert_that_is_not_taken_holds_up_no_other_and_ends_as_a_dead_letter(
    post: Post, hook: Hook, file: Path
) -> None:
    hook.clock = clock = HastyClock()
    change(file, ("timeout: 1s", "timeout: 1s\n    attempts: 4"))
    poison = event(1)

    async with post.notify(file, clock):
        hook.broken.add(poison.event_id)
        await post.publish(poison, *(event(number) for number in range(2, 30)))
        await until(lambda: len(hook.bodies) == 28)
        await until(post.letters)
        letters = await post.letters()
        (letter,) = letters.values()
        assert (letter.target, letter.delivery, letter.reason, letter.attempts) == (
            "desk",
            "wait.1@1#2",
            "exhausted",
            4,
        )
        assert letter.message == "HTTP 500"
        hook.broken.clear()
        sent = await redeliver(post.settings, (), (), "anna", 1_772_000_000_000)
        assert [each.id for each in sent] == [letter.id]
        await until(lambda: hook.taken["wait.1@1#2"] == 1)
        assert await redeliver(post.settings, (), (), "anna", 1_772_000_000_000) == []
    assert set(hook.taken.values()) == {1}


async def test_a_refusal_is_final_and_the_end_of_the_alert_still_goes_out(post: Post, hook: Hook, file: Path) -> None:
    async with post.notify(file):
        hook.answers.append(410)
        await post.publish(event(1))
        await until(post.letters)
        await post.publish(event(1, "resolved", revision=3))
        await until(lambda: len(hook.bodies) == 1)
        (letter,) = (await post.letters()).values()
        assert (letter.reason, letter.message, letter.attempts, letter.round) == ("refused", "HTTP 410", 1, 0)
        hook.answers.append(404)
        await redeliver(post.settings, ["desk"], (), "anna", 1_772_000_000_000)
        await until(lambda: len(hook.asked) == 3)

        async def is_dead_again() -> bool:
            (letter,) = (await post.letters()).values()
            return (letter.status, letter.round, letter.message) == ("dead", 1, "HTTP 404")

        await until(is_dead_again)
        await redeliver(post.settings, ["elsewhere"], (), "anna", 1_772_000_000_000)
        await redeliver(post.settings, ["desk"], (), "anna", 1_772_000_000_000)
        await until(lambda: hook.taken["wait.1@1#2"] == 1)


async def test_retry_after_is_respected(post: Post, hook: Hook, file: Path) -> None:
    hook.answers += [(429, {"Retry-After": "2"}), (503, {"Retry-After": "1"})]
    async with post.notify(file):
        begun = time.monotonic()
        await post.publish(event(1), event(2))
        await until(lambda: len(hook.bodies) == 2)
        assert time.monotonic() - begun >= 2  # both were on their way; the longer one counts
    assert len(hook.asked) == 4


async def test_one_that_hangs_or_breaks_off_is_asked_again_and_delays_no_other(
    post: Post, hook: Hook, file: Path
) -> None:
    async with Hook().run() as other:
        more = f"  other:\n    webhook: {{url: {other.url}, secret: {{env: HOOK_SECRET}}}}\n"
        change(file, ("routes:\n", f"{more}routes:\n"), ("targets: [desk]", "targets: [desk, other]"))
        hook.answers += ["hang", "break", "hang", "hang"]
        async with post.notify(file):
            begun = time.monotonic()
            await post.publish(*steps(range(10)))
            await until(lambda: len(other.bodies) == 20)
            assert time.monotonic() - begun < 1
            assert not hook.bodies
            await until(lambda: len(hook.bodies) == 20)
            assert time.monotonic() - begun > 1
    assert set(hook.taken.values()) == set(other.taken.values()) == {1}


async def test_a_record_that_is_no_alert_event_is_a_dead_letter_and_the_next_one_goes_out(
    post: Post, hook: Hook, file: Path
) -> None:
    async with post.notify(file):
        await post.publish(raw=[b"{}", b"\xff"])
        await post.publish(event(1))
        await until(lambda: len(hook.bodies) == 1)

        async def are_there() -> bool:
            found = (await post.letters()).values()
            return [each.reason for each in found] == ["unreadable"] * 2

        await until(are_there)
        assert await redeliver(post.settings, (), (), "anna", 1) == []


async def test_steps_of_one_group_are_one_message(post: Post, hook: Hook, file: Path) -> None:
    change(file, ("  - targets: [desk]", "  - targets: [desk]\n    group_by: [queue]\n    group_wait: 1s"))
    async with post.notify(file):
        await post.publish(*(event(number) for number in range(5)), event(7, subject_queue="loans"))
        await until(lambda: len(hook.bodies) == 2)
    assert sorted(len(each["events"]) for each in hook.bodies) == [1, 5]
    (group,) = [each for each in hook.bodies if len(each["events"]) == 5]
    assert (group["kind"], group["title"]) == ("group", "5 alerts, 5 not over")
    assert group["id"].startswith("group-")


async def test_quiet_ones_come_as_a_digest_once_their_span_is_over(post: Post, hook: Hook, file: Path) -> None:
    clock = HastyClock()
    change(file, ("routes:\n", "routes:\n  - {name: quiet, severity: [info], digest: 1h, targets: [desk]}\n"))
    async with post.notify(file, clock):
        await post.publish(event(1), *(event(number, severity="info") for number in range(2, 8)))
        await until(lambda: len(hook.bodies) == 1)
        await asyncio.sleep(0.3)
        assert len(hook.bodies) == 1
        assert hook.bodies[0]["events"][0]["alert"]["severity"] == "critical"
    clock.ahead += 3_700_000
    async with post.notify(file, clock):  # after a restart, too
        await until(lambda: len(hook.bodies) == 2)
    assert (hook.bodies[1]["kind"], hook.bodies[1]["title"]) == ("digest", "Digest: 6 alerts, 6 not over")
    async with post.notify(file, clock):
        await post.publish(event(9))
        await until(lambda: len(hook.bodies) == 3)
    assert set(hook.taken.values()) == {1}
