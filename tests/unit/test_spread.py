"""What takes long begins first, and what waits runs beside what computes."""

from pathlib import Path

import pytest

from tests.support.spread import SECONDS, TOGETHER, is_waiting, scope_of, seconds_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("scope", [*SECONDS, *TOGETHER])
def test_what_is_named_is_there(scope: str) -> None:
    file, _, test = scope.partition("::")
    assert f"def {test.partition('[')[0]}" in (ROOT / file).read_text()
    assert scope_of(scope) == scope, "it is given by that name"


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/unit/base/test_times.py::test_a[1::2]", "tests/unit/base/test_times.py"),
        ("tests/e2e/test_live.py::test_b[x]", "tests/e2e/test_live.py::test_b[x]"),
        ("tests/e2e/test_prometheus.py::test_c", "tests/e2e/test_prometheus.py"),
        ("tests/integration/test_broker.py::test_d", "tests/integration/test_broker.py"),
    ],
)
def test_a_file_is_given_as_a_whole_unless_its_tests_take_long(nodeid: str, scope: str) -> None:
    assert scope_of(nodeid) == scope


def test_waiting_and_length_are_guessed_where_nothing_was_measured() -> None:
    assert is_waiting("tests/e2e/test_live.py::test_b")
    assert not is_waiting("tests/unit/base/test_times.py")
    two = {"a": False, "b": False}
    assert seconds_of("tests/integration/test_topics.py", two) > seconds_of("tests/unit/base/test_times.py", two)
    assert seconds_of("tests/unit/pipeline/test_relieved.py", two) == SECONDS["tests/unit/pipeline/test_relieved.py"]
