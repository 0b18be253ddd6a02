"""Each channel's nature is said once."""

import re
from pathlib import Path
from typing import get_args

from schemas.data import CHANNELS, Channel
from streams.base.channels import LIVE_CHANNELS, NATURES, SPOKEN, WITHOUT_ABANDONMENT
from tests.reference import contact as recount

ALERTING = Path(__file__).parents[3] / "deploy/prometheus/rules.yml"


def test_every_channel_of_the_contract_has_its_row_and_no_other() -> None:
    assert tuple(NATURES) == CHANNELS == get_args(Channel)


def test_what_the_rows_come_to() -> None:
    assert sorted(LIVE_CHANNELS) == ["chat", "in-person", "voice"]
    assert sorted(SPOKEN) == ["in-person", "voice"]
    assert sorted(WITHOUT_ABANDONMENT) == ["email", "messaging", "task", "ticket"]


def test_the_recount_says_the_same_on_its_own() -> None:
    assert recount.WAITED_FOR == LIVE_CHANNELS, "tests/reference/contact.py"
    assert recount.SPOKEN == SPOKEN, "tests/reference/contact.py"


def test_where_customers_sit_and_wait_they_can_give_up() -> None:
    assert not LIVE_CHANNELS & WITHOUT_ABANDONMENT


def test_prometheus_watches_the_channels_on_which_customers_wait() -> None:
    watched = re.findall(r'channel=~"([^"]*)"', ALERTING.read_text())
    assert len(watched) == 4
    assert {frozenset(each.split("|")) for each in watched} == {LIVE_CHANNELS}
