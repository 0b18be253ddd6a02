"""Random calls: with menus, queues, holds, transfers; called back, turned away, from two clocks, out of a queue and on."""

from tests.reference.events import S, Story
from tests.reference.teller import AGENTS, QUEUES, Teller, end_wait, give_up


def call(t: Teller, channel: str = "voice") -> Story:
    """Menu, queue, rings nobody takes, talk with holds, transfers, after-contact work before or after the end."""
    s = t.begin(channel)
    if t.chance(0.9):
        s.say("initiated").wait(t.ms(0, 3))
    if t.chance(0.3):
        s.say("connected", party="self-service").wait(t.ms(1, 40))
    if t.chance(0.12):
        return s.say("ended", by=t.r.choice(["customer", "system"]), reason=t.r.choice(["self-served", "completed"]))
    queue = t.r.choice(QUEUES)
    if t.chance(0.9):
        s.say("queued", queue=queue)
        while t.chance(0.3):
            end_wait(t, s, 2, 60)
            s.say("offered", agent_id=t.r.choice(AGENTS)).wait(t.ms(2, 25))
            s.say("missed", agent_id=t.r.choice(AGENTS)).wait(t.ms(0, 3))
            if t.chance(0.3):
                s.wait(2 * S).say("queued", queue=queue)
        if t.chance(0.1):
            s.wait(t.ms(2, 60)).say("queued", queue=queue)
        end_wait(t, s, 1, t.r.choice([6, 25, 200, 500]))
        if t.chance(0.3):
            return give_up(t, s)
    talk(t, s)
    return s


def talk(t: Teller, s: Story, transfers: int = 2) -> None:
    """From the connect to the end."""
    agent = t.r.choice(AGENTS)
    if t.chance(0.4):
        s.say("offered", agent_id=agent).wait(t.ms(1, 9))
    s.say("connected", agent_id=agent).wait(t.ms(5, 200))
    for _ in range(transfers):
        if t.chance(0.35):
            s.say("held", agent_id=agent).wait(t.ms(3, 90))
            s.say("resumed", agent_id=agent).wait(t.ms(3, 60))
        if not t.chance(0.3):
            continue
        other = t.r.choice([a for a in AGENTS if a != agent])
        warm = t.chance(0.4)
        s.say("transferred", kind="warm" if warm else "cold", agent_id=agent, to_queue="loans").wait(t.ms(0, 2))
        if t.chance(0.7):
            s.say("queued", queue=t.r.choice(QUEUES))
            end_wait(t, s, 3, 200)
            if t.chance(0.15):
                s.say("ended", by="customer")
                return
        elif not warm:
            s.wait(t.ms(3, 20))
        if not warm and t.chance(0.3):
            s.say("wrapped_up", agent_id=agent, duration_ms=t.ms(1, 20)).wait(t.ms(3, 8))
        s.say("connected", agent_id=other).wait(t.ms(10, 200))
        agent = other
    how = t.r.randrange(5)
    if how == 0:
        work = t.ms(1, 4)
        s.wait(work).say("wrapped_up", agent_id=agent, duration_ms=work).wait(t.ms(0, 1)).say("ended", by="agent")
        return
    s.say("ended", by=t.r.choice(["customer", "agent"]))
    if how in (1, 2):
        s.wait(t.ms(2, 60)).say("wrapped_up", agent_id=agent, duration_ms=t.ms(1, 60))
    elif how == 3:
        s.wait(t.ms(2, 60)).say("wrapped_up", agent_id=agent)


def called_back(t: Teller) -> Story:
    """A call back is taken, and made later under the same id."""
    s = t.begin("voice").say("initiated").wait(t.ms(1, 9)).say("queued", queue=t.r.choice(QUEUES))
    end_wait(t, s, 3, 200)
    s.say("callback_requested").wait(t.ms(1, 9))
    if t.chance(0.7):
        s.say("ended", by="customer", reason=t.r.choice(["callback", "completed"]))
    s.wait(t.ms(300, 7200))
    if t.chance(0.4):
        s.say("offered", agent_id="ada").wait(t.ms(1, 20))
    s.say("connected", agent_id="ada").wait(t.ms(10, 300)).say("ended", by=t.r.choice(["customer", "agent"]))
    return s


def turned_away(t: Teller) -> Story:
    """Not let into a queue; waits in another one, is answered all the same, or goes."""
    s = t.begin("voice").say("initiated").wait(t.ms(0, 9))
    if t.chance(0.3):
        s.say("queued", queue="fraud").wait(t.ms(1, 30)).say("left_queue", queue="fraud", reason="key").wait(t.ms(0, 3))
    s.say("turned_away", queue="cards", reason=t.r.choice(["full", "closed", "no-agents"])).wait(t.ms(0, 5))
    how = t.r.randrange(4)
    if how == 0:
        return s.say("ended", by=t.r.choice(["customer", "system", "unknown"]))
    if how == 1:
        return s.say("ended", by="system", reason="voicemail")
    if how == 2:
        s.say("queued", queue="loans")
        end_wait(t, s, 3, 200)
        if t.chance(0.3):
            return give_up(t, s)
    s.say("connected", agent_id="ada").wait(t.ms(9, 90))
    return s.say("ended", by=t.r.choice(["customer", "agent"]))


def skewed(t: Teller) -> Story:
    s = t.begin("voice").say("initiated").wait(t.ms(0, 4)).say("connected", agent_id="ada").wait(t.ms(0.1, 1.9))
    s.say("queued", queue=t.r.choice(QUEUES)).wait(t.ms(20, 300))
    return s.say("ended", by=t.r.choice(["customer", "agent"]))


def overflow(t: Teller) -> Story:
    """Leaves a queue and goes on: to another one, to a human, away."""
    s = t.begin("voice").say("initiated").wait(t.ms(0, 4)).say("queued", queue="cards")
    end_wait(t, s, 3, 300)
    s.say("left_queue", queue="cards", reason=t.r.choice(["timeout", "key", "no-agents", "other"])).wait(t.ms(0, 20))
    how = t.r.randrange(3)
    if how == 0:
        return s.say("ended", by="system", reason=t.r.choice(["voicemail", "completed"]))
    if how == 1:
        s.say("queued", queue="loans")
        if t.chance(0.3):
            s.wait(t.ms(0, 2)).say("left_queue", queue="cards", reason="moved")
        end_wait(t, s, 3, 300)
    s.say("connected", agent_id="ada").wait(t.ms(9, 90))
    sums = {"talk_ms": t.ms(3, 8), "hold_ms": t.ms(0, 1)} if t.chance(0.4) else {}
    return s.say("ended", by=t.r.choice(["customer", "agent", "unknown"]), **sums)
