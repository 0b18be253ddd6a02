"""Random contacts: calls, chats, bots, mails; over, reopened, rated, called back."""

import random
from dataclasses import dataclass, replace

from tests.reference.events import S, Story
from tests.reference.model import LIMIT

QUEUES = ("cards", "loans", "fraud")
AGENTS = ("ada", "bob", "cy", "dee")
TIERS = ("gold", "platinum", "silver", "red")
HIDDEN = ("anonymous", "+266696687", "Private Number")


@dataclass
class Teller:
    """What the stories of one history share."""

    r: random.Random
    start: int
    grid: int = 1
    apart: bool = False
    """Each contact has a customer of its own."""
    told: int = 0

    def chance(self, p: float) -> bool:
        return self.r.random() < p

    def ms(self, low: float, high: float) -> int:
        """Seconds from low to high, as ms on the grid."""
        step = max(1, self.grid)
        return self.r.randrange(round(low * S), round(high * S) + 1) // step * step

    def begin(self, channel: str, spread: float = 1800) -> Story:
        """A contact of one of a few customers, or of somebody nobody knows."""
        self.told += 1
        who = self.told if self.apart else self.r.randrange(4)
        common: dict[str, object] = {}
        first: dict[str, object] = {}
        if who < 3 or self.apart:
            (common if self.chance(0.5) else first)["customer_id"] = f"c{who}"
        elif self.chance(0.5):
            common["identifiers"] = [{"kind": "phone", "value": f"+4420794600{self.told:02}"}]
        if who != 1 and self.chance(0.8):
            (common if self.chance(0.5) else first)["tier"] = TIERS[who % 4]
        return Story(channel, f"{channel[0]}{self.told}", self.start + self.ms(0, spread), common, first, self.grid)


def end_wait(t: Teller, s: Story, low: float, high: float) -> None:
    """Time passes while the contact waits; never exactly the limit of an alert."""
    ms = t.ms(low, high)
    s.wait(ms + max(1, t.grid) if abs(ms - LIMIT) < 5 * S else ms)


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


def give_up(t: Teller, s: Story) -> Story:
    how = t.r.randrange(6)
    if how == 0:
        s.say("callback_requested").wait(t.ms(1, 10)).say(
            "ended", by="customer", reason=t.r.choice(["callback", "completed"])
        )
    elif how == 1:
        s.say("ended", by="customer", reason="voicemail")
    elif how == 2:
        s.say("ended", by="system", reason=t.r.choice(["timeout", "error", "completed"]))
    else:
        s.say("ended", by="customer", **({"reason": "abandoned"} if t.chance(0.5) else {}))
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


def rated(t: Teller, longest: float) -> Story:
    """A survey, or two, minutes to days after the end; after-contact work reported late."""
    s = t.r.choice([call, chat])(t)
    if t.chance(0.3) and any(e.kind == "contact.connected" and "party" not in e.data for e in s.events):
        s.wait(t.ms(600, min(longest, 40 * 3600))).say("wrapped_up", duration_ms=t.ms(5, 90))
    scores = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
    for metric in t.r.sample(sorted(scores), t.r.randrange(1, 3)):
        s.wait(t.ms(60, longest)).say("feedback.given", metric=metric, score=t.r.randint(*scores[metric]))
        if t.chance(0.3):
            s.wait(t.ms(1, 3600)).say("feedback.given", metric=metric, score=t.r.randint(*scores[metric]))
    return s


def outbound(t: Teller) -> Story:
    """We wrote first."""
    s = t.begin("messaging").say("initiated", direction="outbound", opened_by=t.r.choice(["agent", "campaign"]))
    s.reply(agent_id="dee").wait(t.ms(60, 7200))
    if t.chance(0.7):
        s.customer(mood(t)).wait(t.ms(30, 1800)).reply(agent_id="dee").wait(t.ms(10, 90))
    return s.say("ended", by="agent")


def wander(t: Teller) -> Story:
    """The contact is shown as another's for a while; or it becomes known half-way."""
    s = t.r.choice([call, chat, bot])(t)
    owners = t.r.choice([["a", "b", "a"], ["a", "b"], [None, "a"], [None, "a", "b"], ["hidden", "a"], ["hidden"]])
    cuts = sorted(t.r.sample(range(1, max(2, len(s.events))), min(len(owners) - 1, max(1, len(s.events) - 1))))
    made = []
    for number, event in enumerate(s.events):
        data = {k: v for k, v in event.data.items() if k not in ("customer_id", "identifiers")}
        stage = sum(number >= cut for cut in cuts)
        who = owners[min(stage, len(owners) - 1)]
        if number and number not in cuts:
            who = None
        if who == "hidden":
            data["identifiers"] = [{"kind": "phone", "value": t.r.choice(HIDDEN)}]
        elif who:
            data["customer_id"] = f"w{who}{s.contact}"
        made.append(replace(event, data=data))
    s.events = made
    return s


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


def moody(t: Teller) -> Story:
    """A chat in which the customer grows angry, or calms down."""
    s = t.begin(t.r.choice(["chat", "messaging"]), 60)
    level = t.r.choice([-900, -600, -300, 200])
    for _ in range(t.r.randrange(2, 9)):
        s.customer(max(-1000, min(1000, level + t.r.randrange(-200, 201))) / 1000).wait(t.ms(1, 1500))
        level += t.r.randrange(-300, 500)
    return s


PHONES = (
    "+4420794601{:02}",
    "004420794601{:02}",
    "tel:+4420794601{:02}",
    "sip:+4420794601{:02}@pbx.example",
    "+44 20 7946 01{:02}",
)
MAILS = (
    "zoë{}@example.com",
    "zoe\u0308{}@example.com",
    "MAILTO:zoë{}@example.com",
    '"W., Zoë" <zoë{}@Example.com>',
    "<zoë{}@example.com>",
)


def spelled(t: Teller) -> Story:
    """One of two people, known by a phone or an address in any spelling."""
    kind, forms, channel = t.r.choice([("phone", PHONES, "voice"), ("email", MAILS, "email")])
    s = t.begin(channel)
    s.first, s.common = {}, {"identifiers": [{"kind": kind, "value": t.r.choice(forms).format(t.r.randrange(10, 12))}]}
    s.say("initiated").wait(t.ms(1, 60))
    return s.say("ended", by="customer", reason="self-served")
