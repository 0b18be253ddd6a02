"""A telephone number that is given to another customer, before the doors open."""

from streams.demo import centre
from streams.demo.parts import HOUR_MS
from streams.demo.stories import begin, end, recognise, start
from streams.demo.world import Steps, World


def number(world: World) -> Steps:
    """Its first owner calls once more and gets another number; the customer system says so, and a person cuts what the
    call showed; then the number is the second one's.
    """
    customers = world.people.customers
    if len(customers) <= max(centre.GIVEN_ON):
        return
    first, second = (customers[each] for each in centre.GIVEN_ON)
    phone = first.phones[0]
    yield world.after(0)
    if world.settings.days_before:
        yield world.until(int(world.env.now) + HOUR_MS)
        contact = begin(world, "voice", first)
        contact.identifier, contact.withheld, contact.says, contact.signs_in = ("phone", phone), False, None, True
        recognise(contact)
        start(world, contact, "hotline")
        world.truth.came_out(contact.id, contact.channel, "none", "abandoned")
        yield world.pause(2, 9)
        end(world, contact, "customer", "abandoned")
        yield world.until(int(world.env.now) + 2 * HOUR_MS)
    first.phones[0] = centre.NEXT_NUMBER
    world.profile(first)
    world.cut(("phone", phone), first.id, "the number was given to somebody else")
    second.phones.append(phone)
    world.profile(second)
