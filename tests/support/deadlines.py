"""When a customer is to be looked at again, by line."""

from streams.customers import customers
from streams.customers.customers import Customer, Dues
from streams.customers.rules import CustomerRules


def next_deadlines(customer: Customer | None, rules: CustomerRules) -> dict[str, int]:
    """Line → the stream time (ms) that must be passed for ``advance`` to do something."""
    return first_of(customers.scheduled(customer, rules).due) if customer else {}


def first_of(due: Dues) -> dict[str, int]:
    """Line → its first deadline."""
    return {line: min(each.values()) for line, each in due.items() if each}
