"""``contact-streams policies`` as far as it needs no broker: what it lists and shows, and what it refuses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from streams.rules.policies import FOLDER

SPAN = ("--from", "2026-03-02", "--to", "2026-03-03")


def policies(*arguments: str, **environment: str) -> tuple[int, str, str]:
    given = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "COLUMNS": "240", **environment}
    done = CliRunner().invoke(app, ["policies", *arguments], env=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_list_names_those_that_are_shipped_and_ones_own(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    ours = (FOLDER / "tiered.yaml").read_text().replace("title: Tiered", "title: Winter")
    (tmp_path / "policies" / "winter.yaml").write_text(ours)
    code, out, _ = policies("list", CONTACT_STREAMS_RULES_DIR=str(tmp_path))
    rows = {cells[0].strip(): cells[1].strip() for line in out.splitlines() if len(cells := line.split("│")[1:]) > 2}
    assert code == 0
    assert rows == {"one-size-fits-all": "shipped", "premium-for-all": "shipped", "tiered": "shipped", "winter": "own"}


def test_show_says_what_is_promised_and_what_it_costs() -> None:
    code, out, _ = policies("show", "tiered")
    assert code == 0
    for said in ("concierge", "95 % in 10s", "200.00 EUR", "1.05 EUR", "2,400.00 EUR", "comparison, discount, price"):
        assert said in out, said


def test_show_of_a_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text((FOLDER / "tiered.yaml").read_text().replace("EUR", "CHF"))
    assert "200.00 CHF" in policies("show", str(mine))[1]
    mine.write_text(mine.read_text().replace("priority: 30", "priority: -1"))
    code, _, err = policies("show", str(mine))
    assert code == 1
    assert "mine.yaml:8: services.0.priority: Input should be greater than or equal to 0, not -1" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ("tiered", "gold"),
            "there is no policy 'gold'; shipped are one-size-fits-all, premium-for-all, tiered; or name",
        ),
        (("tiered",), "tiered: name two or more policies, each once; `policies list` says which there are"),
        (("tiered", "tiered"), "tiered, tiered: name two or more policies"),
        (("tiered", "premium-for-all", "--line", "all"), "--line all: a queue is one of one line; give live, or a"),
        (("tiered", "premium-for-all", "--promises", "x"), "there is no policy 'x'"),
        (("tiered", "premium-for-all", "--to", "2026-03-01"), "is no time: --to lies before --from"),
        (("tiered", "premium-for-all", "--to", "soon"), "'soon' is neither a date such as 1999-02-01 nor a date-time"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_is_read(arguments: tuple[str, ...], why: str) -> None:
    code, out, err = policies("compare", *SPAN, *arguments)
    assert (code, out) == (1, "")
    assert why in err


def test_policies_of_two_currencies(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text((FOLDER / "tiered.yaml").read_text().replace("EUR", "CHF"))
    code, _, err = policies("compare", "tiered", str(mine), *SPAN)
    assert code == 1
    assert "the policies count in different currencies (tiered: EUR, " in err
    assert "mine.yaml: CHF); there are no rates, so make them one" in err


def test_the_help_shows_how_it_is_called() -> None:
    said = policies("compare", "--help")[1]
    assert "contact-streams policies compare one-size-fits-all tiered --from 2026-03-02" in said
