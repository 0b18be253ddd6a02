"""Random contacts in writing: chats, bots, mails, tickets, campaigns; opened again, angry."""

from tests.reference.events import Story
from tests.reference.teller import QUEUES, Teller, end_wait, give_up


def mood(t: Teller) -> float | None:
    return t.r.randrange(-300, 1001) / 1000 if t.chance(0.7) else None


def exchange(t: Teller, s: Story, turns: int, low: float, high: float) -> None:
    """The customer writes, an agent answers, in turns."""
    for _ in range(turns):
        for _ in range(t.r.choice([1, 1, 2])):
            s.customer(mood(t)).wait(t.ms(1, 30))
        s.wait(t.ms(low, high)).reply(agent_id="ada").wait(t.ms(low, high))


def chat(t: Teller) -> Story:
    """Queued, answered by a connect or by the first message of a human; or given up."""
    s = t.begin("chat")
    s.say("initiated").wait(t.ms(0, 2))
    if t.chance(0.4):
        s.customer(mood(t)).wait(t.ms(1, 5))
    s.say("queued", queue=t.r.choice(QUEUES)).wait(t.ms(1, 3))
    s.customer(mood(t))
    end_wait(t, s, 1, t.r.choice([15, 60, 400]))
    if t.chance(0.25):
        return give_up(t, s)
    if t.chance(0.5):
        s.say("connected", agent_id="ada").wait(t.ms(1, 20))
    s.reply(agent_id="ada").wait(t.ms(5, 60))
    exchange(t, s, t.r.randrange(3), 3, 90)
    if t.chance(0.25):
        s.say("transferred", to_queue="fraud", agent_id="ada").wait(t.ms(0, 1)).say("queued", queue="fraud")
        s.wait(t.ms(1, 5)).customer(mood(t))
        end_wait(t, s, 3, 100)
        if t.chance(0.5):
            s.say("connected", agent_id="bob").wait(t.ms(1, 20))
        s.reply(agent_id="bob").wait(t.ms(3, 50))
    return s.say("ended", by=t.r.choice(["customer", "agent"]))


def bot(t: Teller) -> Story:
    """With a bot, to its end or on to humans."""
    s = t.begin(t.r.choice(["chat", "chat", "messaging"]))
    s.say("initiated").say("connected", party="bot")
    if t.chance(0.4):
        s.wait(t.ms(0, 2)).reply("bot")
    for _ in range(t.r.randrange(1, 3)):
        s.wait(t.ms(2, 40)).customer(mood(t)).wait(t.ms(1, 3)).reply("bot")
    s.wait(t.ms(2, 60))
    if t.chance(0.45):
        by = t.r.choice(["customer", "bot", "system"])
        reasons = {
            "customer": ["completed", "self-served"],
            "bot": ["completed", "self-served"],
            "system": ["timeout", "completed"],
        }
        return s.say("ended", by=by, reason=t.r.choice(reasons[by]))
    s.say("handed_off", reason="asks for a human").wait(t.ms(0, 3))
    if t.chance(0.7):
        s.say("queued", queue=t.r.choice(QUEUES))
    end_wait(t, s, 2, 200)
    if t.chance(0.25):
        return s.say("ended", by="customer") if t.chance(0.5) else s.say("ended", by="system", reason="error")
    if t.chance(0.4):
        s.customer(mood(t)).wait(t.ms(2, 30))
    if t.chance(0.5):
        s.say("connected", agent_id="cy").wait(t.ms(1, 9))
    s.reply(agent_id="cy").wait(t.ms(3, 40))
    exchange(t, s, t.r.randrange(2), 3, 60)
    return s.say("ended", by=t.r.choice(["customer", "agent"]))


def mail(t: Teller, longest: float = 40 * 3600) -> Story:
    """An e-mail or a message, answered in writing after hours or days."""
    s = t.begin(t.r.choice(["email", "messaging"]), 6 * 3600)
    if t.chance(0.5):
        s.first["queue"] = "post"
    if t.chance(0.7):
        s.say("initiated")
    s.customer(mood(t))
    if t.chance(0.4):
        s.wait(t.ms(0, 30)).say("queued", queue=t.r.choice(QUEUES))
    s.wait(t.ms(60, longest))
    if t.chance(0.85):
        if t.chance(0.2):
            s.customer(mood(t)).wait(t.ms(60, 7200))
        s.reply(agent_id="dee").wait(t.ms(30, 7200))
        if t.chance(0.4):
            s.customer(mood(t)).wait(t.ms(60, longest)).reply(agent_id="dee").wait(t.ms(30, 600))
    if t.chance(0.85):
        s.say("ended", by="agent")
    return s


def ticket(t: Teller) -> Story:
    """On lists before it is answered, with receipts; opened again by the customer or the provider; rated in words."""
    s = t.begin("ticket", 6 * 3600).say("initiated").customer(mood(t), message_id="1")
    if t.chance(0.5):
        s.wait(t.ms(0, 30)).say("queued", queue=t.r.choice(QUEUES))
    while t.chance(0.5):
        s.wait(t.ms(60, 20 * 3600)).say("assigned", agent_id=t.r.choice(["dee", None]))
    s.wait(t.ms(60, 20 * 3600))
    if t.chance(0.8):
        s.reply(agent_id="dee", message_id="2").wait(t.ms(1, 30))
        s.say("message.changed", message_id="2", change=t.r.choice(["read", "delivered", "failed", "edited"]))
    s.wait(t.ms(30, 7200)).say("ended", by=t.r.choice(["agent", "customer", "unknown", "system"]))
    if t.chance(0.5):
        s.wait(t.ms(600, 30 * 3600))
        if t.chance(0.5):
            s.say("reopened", by=t.r.choice(["customer", "agent"])).wait(t.ms(1, 60))
        s.customer(mood(t)).wait(t.ms(60, 7200)).reply(agent_id="cy").wait(t.ms(30, 600)).say("ended", by="agent")
    if t.chance(0.6):
        s.wait(t.ms(600, 4 * 3600))
        s.say("feedback.given", metric="csat", score=t.r.choice([0, 1]), scale="good-bad")
    return s


def told_about(t: Teller) -> Story:
    """Idle for days, told about meanwhile, and perhaps answered after that."""
    s = t.begin(t.r.choice(["email", "messaging", "chat", "ticket"]), 6 * 3600).say("initiated")
    if t.chance(0.5):
        s.say("queued", queue=t.r.choice(QUEUES)).wait(t.ms(0, 5))
    s.customer(mood(t))
    if t.chance(0.3):
        s.wait(t.ms(30, 600)).reply(agent_id="ada")
    if t.chance(0.3):
        s.wait(t.ms(1, 60)).customer(mood(t))
    for _ in range(t.r.randrange(1, 4)):
        s.wait(t.ms(3600, 60 * 3600))
        about = t.r.choice(["feedback.given", "case.opened", "case.solved", "message.changed", "assigned"])
        what: dict[str, object] = {
            "feedback.given": {"metric": "csat", "score": t.r.randint(1, 5)}, "message.changed": {"message_id": "1", "change": "read"},
        }.get(about, {"case_id": "k"} if about.startswith("case") else {"agent_id": "ada"})  # fmt: skip
        s.say(about, **what)
    s.wait(t.ms(60, 20 * 3600))
    if t.chance(0.6):
        s.reply(agent_id="bob").wait(t.ms(60, 3600))
    return s.say("ended", by=t.r.choice(["agent", "customer", "system"])) if t.chance(0.6) else s


def posted(t: Teller) -> Story:
    """A thread: the customer posts, others and we answer; on it goes later, or nobody has answered yet."""
    s = t.begin(t.r.choice(["forum", "social"]), 6 * 3600)
    for _ in range(t.r.randrange(1, 4)):
        scored = mood(t)
        s.say("post.made", **({} if scored is None else {"sentiment": scored})).wait(t.ms(30, 9 * 3600))
        for _ in range(t.r.randrange(3)):
            s.say("post.answered", author=t.r.choice(["agent", "agent", "customer", "bot"])).wait(t.ms(30, 7200))
        if t.chance(0.2):
            s.say("ended", by=t.r.choice(["agent", "customer", "system"])).wait(t.ms(60, 7200))
    return s


def reopened(t: Teller, pause: tuple[float, float] = (600, 40 * 3600)) -> Story:
    """Over, and then the customer comes back under the same id."""
    s = t.r.choice([chat, bot, mail])(t)
    s.wait(t.ms(*pause))
    how = t.r.randrange(5)
    if how == 0:
        s.say("case.reopened", case_id="k").wait(t.ms(1, 60))
    elif how == 1:
        s.say("initiated").wait(t.ms(1, 3))
    s.customer(mood(t)).wait(t.ms(2, 30))
    if how == 2 and s.channel == "chat":
        s.reply("bot").wait(t.ms(5, 60))
    if t.chance(0.4) and any("queue" in e.data for e in s.events):
        s.say("queued", queue=t.r.choice(QUEUES))
        end_wait(t, s, 3, 400)
    s.wait(t.ms(2, 300)).reply(agent_id="bob").wait(t.ms(3, 90))
    exchange(t, s, t.r.randrange(2), 5, 90)
    return s.say("ended", by=t.r.choice(["customer", "agent"]))


def outbound(t: Teller) -> Story:
    """We wrote first."""
    s = t.begin("messaging").say("initiated", direction="outbound", opened_by=t.r.choice(["agent", "campaign"]))
    s.reply(agent_id="dee").wait(t.ms(60, 7200))
    if t.chance(0.7):
        s.customer(mood(t)).wait(t.ms(30, 1800)).reply(agent_id="dee").wait(t.ms(10, 90))
    return s.say("ended", by="agent")


def moody(t: Teller) -> Story:
    """A chat in which the customer grows angry, or calms down."""
    s = t.begin(t.r.choice(["chat", "messaging"]), 60)
    level = t.r.choice([-900, -600, -300, 200])
    for _ in range(t.r.randrange(2, 9)):
        s.customer(max(-1000, min(1000, level + t.r.randrange(-200, 201))) / 1000).wait(t.ms(1, 1500))
        level += t.r.randrange(-300, 500)
    return s
