"""``contact-streams hours``: what a queue's hours are, and what cannot be asked."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app

FILE = """
calendars:
  office: {time_zone: Europe/Berlin, weekly: {monday: [09:00-12:00, 22:00-02:00]}, holidays: {country: DE}}
queues: {sales: office}
"""


@pytest.fixture
def said(tmp_path: Path) -> object:
    (tmp_path / "hours.yaml").write_text(FILE)

    def said(*arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["hours", *arguments], env={"CONTACT_STREAMS_RULES_DIR": str(tmp_path)})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return said


def test_hours_of_days_and_the_business_time_of_the_span(said) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = said("sales", "--from", "2026-03-29", "--to", "2026-03-31")
    assert (code, out.splitlines()) == (0, [
        "sales on voice goes by office, Europe/Berlin",
        "2026-03-29 sunday    closed",
        "2026-03-30 monday    09:00-12:00, 22:00-02:00",
        "2026-03-31 tuesday   closed",
        "business time: 7 h 00 min of 71 h 00 min",
    ])  # fmt: skip
    assert (
        "business time: 0 h 30 min 1.5 s of"
        in said("sales", "--from", "2026-03-30T11:29:58.500", "--to", "2026-03-30T20:00")[1]
    )
    assert "2026-04-06 monday    closed (Easter Monday)" in said("sales", "--from", "2026-04-06")[1]
    assert len(said("sales")[1].splitlines()) == 9


def test_a_queue_without_hours_says_so(said) -> None:  # type: ignore[no-untyped-def]
    assert said("x")[:2] == (0, "x on voice has no opening hours: calendar time alone is measured\n")


@pytest.mark.parametrize(
    ("span", "why"),
    [
        (("2026-03-29", "2026-03-20"), "from 2026-03-29 to 2026-03-20 is no time: --to lies before --from"),
        (("soon", "2026-03-20"), "'soon' is neither a date"),
        (("2026-03-20", "2028-03-20"), "are more than 400 days: ask for fewer"),
    ],
)
def test_what_cannot_be_asked(said, span: tuple[str, str], why: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = said("sales", "--from", span[0], "--to", span[1])
    assert (code, out) == (1, "")
    assert why in err


def test_a_channel_that_is_none(said) -> None:  # type: ignore[no-untyped-def]
    code, _, err = said("sales", "--channel", "fax")
    assert code == 1
    assert "--channel fax: expected one of voice, email" in err
