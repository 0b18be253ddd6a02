"""``contact-streams identity`` as far as it needs no broker: what it refuses, in the words of the command."""

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from streams.inspect.words import in_words, word

NUMBER, ANN = "phone:+442079460123", "customer:ann"


@pytest.mark.parametrize(
    ("one", "other", "reason", "why"),
    [
        ("a", ANN, "x", "A, a: an identifier is written <kind>:<value>, such as phone:+442079460123"),
        (NUMBER, "b", "x", "B, b: an identifier is written <kind>:<value>"),
        (NUMBER, "fax:7", "x", "B, fax:7: an identifier begins with customer, email, phone"),
        (NUMBER, "contact:voice:c1", "x", "B, contact:voice:c1 is a contact that belongs to itself"),
        (NUMBER, "email:", "x", "B, email:: nothing follows the colon"),
        (NUMBER, ANN, "", "--reason is empty: say why, since it is kept with the change"),
        (NUMBER, ANN, " \t", "--reason is empty"),
        (NUMBER, ANN, "x" * 201, "--reason must have at most 200 characters, got 201"),
    ],
)
@pytest.mark.parametrize("command", ["link", "cut"])
def test_what_cannot_be_said_is_refused_in_the_words_of_the_command(
    command: str, one: str, other: str, reason: str, why: str
) -> None:
    env = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "COLUMNS": "300"}
    done = CliRunner().invoke(app, ["identity", command, one, other, "--reason", reason], env=env)
    assert done.exit_code == 1
    assert why in done.stderr
    assert "data." not in done.stderr


def test_what_a_worker_refuses_is_said_in_the_same_words() -> None:
    said = "data.other: data.identifier and data.other are the same, and an identifier is itself anyway"
    assert in_words(said) == "B: A and B are the same, and an identifier is itself anyway"
    assert in_words("data.identifier: data.identifier names nobody") == "A names nobody"


def test_an_anonymous_customer_is_its_identifier() -> None:
    event = word("linked", f"anonymous:{NUMBER}", ANN, reason="said so", by="me")
    assert event["data"] == {"identifier": NUMBER, "other": ANN, "reason": "said so", "by": "me"}
