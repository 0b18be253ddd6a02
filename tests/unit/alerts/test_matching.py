"""Whatever an alert is about can be asked for by one name everywhere: silences, routes, templates, labels, the console."""

import pytest
from msgspec.structs import replace

from schemas.alerts import AlertSubject
from streams.alerts import covering
from streams.alerts.machine import Standing
from streams.alerts.matching import OF_SUBJECT
from streams.base.alert_records import ConditionSubject
from streams.desk import telling
from streams.notify import routing
from streams.notify.formats.alertmanager import OF_PERSONS, labels
from streams.notify.message import NAMES, values
from tests.support.alerting import condition
from tests.support.notify import event


@pytest.mark.parametrize("field", AlertSubject.model_fields)
def test_each_field_of_the_subject_has_one_name(field: str) -> None:
    [name] = [name for name, each in OF_SUBJECT.items() if each == field]
    # A word that is none of the others; the type is one of a few.
    word = "queue" if field == "type" else f"the-{field}"
    step = event(1, **{f"subject_{field}": word})
    about = replace(ConditionSubject("contact"), **{field.removesuffix("_id"): word})
    known = Standing(replace(condition("ann", 0), subject=about))
    assert covering.attributes(known)[name] == word
    assert routing.attributes(step.alert)[name] == word
    assert telling.attributes(step.alert.model_dump())[name] == word
    assert values(step)[name] == word
    assert name in NAMES
    assert dict(labels(step.alert, each=False)).get(name) == (None if name in OF_PERSONS else word)
