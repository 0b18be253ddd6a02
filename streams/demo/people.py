"""Who gets in touch, and by which identifiers: phones, an address, a handle, an account, devices, browsers.

A part of them is shared. Families have one tablet; clerks typed the number of their own branch into profiles; and one
number was given to another customer.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.demo import centre
from streams.demo.centre import Customer
from streams.demo.parts import SECOND_MS

Identifier = tuple[str, str]
"""kind, value"""


@dataclass(eq=False)
class Browser:
    """A browser as its cookie names it, in use since a moment of simulated time, ms; ``proved``: something told whose
    it is."""

    cookie: str
    since: int
    proved: bool = False


@dataclass(eq=False)
class Person:
    """Somebody; ``customer``: None = a stranger to the centre."""

    id: str
    customer: Customer | None
    phones: list[str]
    """In use; calls come from any of them."""
    email: str
    handle: str
    account: str
    device: str
    tablet: str | None = None
    """The family's."""
    branch_line: bool = False
    """The profile has the branch's number, too."""
    browsers: list[Browser] = field(default_factory=list)
    """The last one is in use."""

    def browser(self, now: int, rng: random.Random) -> Browser:
        """The one in use at ``now``, ms of simulated time: now and then a new one, and always a new one when nothing
        told for some time whose the last one was."""
        last = self.browsers[-1] if self.browsers else None
        stale = last is not None and not last.proved and now - last.since > centre.UNPROVED_S * SECOND_MS
        if last is None or stale or rng.random() < centre.NEW_BROWSER_SHARE:
            last = Browser(f"cookie-{len(self.browsers) + 1}-{self.id}", now)
            self.browsers.append(last)
        return last

    def listed(self) -> list[Identifier]:
        """What the customer system knows."""
        found = [("email", self.email), *(("phone", phone) for phone in self.phones), ("device", self.device)]
        if self.tablet is not None:
            found.append(("device", self.tablet))
        if self.branch_line:
            found.append(("phone", centre.BRANCH_LINE))
        return found


class People:
    """Everybody: the customers, and strangers as they come."""

    def __init__(self, count: int) -> None:
        self.customers = list(_customers(count))
        self.seen: list[Person] = []
        """Who was in touch, and may come back."""
        self._strangers: dict[int, Person] = {}
        self.branch_line = sum(person.branch_line for person in self.customers) > 1
        """Does the branch's number stand for nobody from the beginning on?"""

    def stranger(self, rng: random.Random) -> Person:
        """Somebody whom the centre does not know; the same number is the same person."""
        number = rng.randrange(500, 999)
        if number not in self._strangers:
            name = f"guest{number}"
            self._strangers[number] = Person(
                name, None, [f"+442079460{number}"], f"guest.{number}@example.net", f"@{name}", f"account-{name}",
                f"device-{name}",
            )  # fmt: skip
        return self._strangers[number]

    def met(self, person: Person) -> None:
        """Somebody was in touch."""
        if person not in self.seen:
            self.seen.append(person)


def _customers(count: int) -> Iterator[Person]:
    known = centre.customers(count)
    for number, customer in enumerate(known):
        first = number // centre.FAMILY_EVERY * centre.FAMILY_EVERY
        family = number - first < centre.FAMILY and first + 1 < len(known)
        yield Person(
            customer.id, customer, [customer.phone], customer.email, customer.handle, f"account-{customer.id}",
            f"device-{customer.id}",
            tablet=f"tablet-{known[first].id}" if family else None,
            branch_line=number % centre.BRANCH_EVERY < 2 and len(known) > 1,
        )  # fmt: skip


def named(person: Person, channel: str, rng: random.Random, now: int) -> tuple[Identifier | None, Browser | None]:
    """What the channel's connector knows the person by, and the browser, where it is that."""
    kind = centre.IDENTIFIED_BY.get(channel, "cookie")
    if kind == "cookie":
        if person.tablet is not None and rng.random() < centre.ON_TABLET_SHARE:
            return ("device", person.tablet), None
        browser = person.browser(now, rng)
        return (kind, browser.cookie), browser
    if kind == "phone":
        return (kind, rng.choice(person.phones)), None
    found = {"email": person.email, "social": person.handle, "account": person.account}
    return (None if kind is None else (kind, found[kind])), None


def besides(person: Person, channel: str, rng: random.Random) -> tuple[Identifier, ...]:
    """What a part of the contacts of a channel name in addition: an address in a form, the device of an app."""
    kind, share = centre.BESIDES.get(channel, ("", 0.0))
    if rng.random() >= share:
        return ()
    return ((kind, person.email if kind == "email" else person.device),)
