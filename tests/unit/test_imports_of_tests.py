"""Tests share helpers and no tests: what two of them need is in ``tests/support``, and unit tests need nothing larger."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [file for file in sorted((ROOT / "tests").rglob("*.py")) if file != Path(__file__)]
"""But not the examples below."""
LARGER = re.compile(r"tests\.(e2e|integration|chaos|bench)\b")
OF_THE_BENCHES = "tests/unit/bench/"
"""Tests of the benches' own parts."""


def imported(source: str) -> Iterator[str]:
    """What a module imports from ``tests``, as dotted names; also in programs that it holds as texts and runs elsewhere."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names if alias.name.startswith("tests."))
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "tests":
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case ast.Constant(value=str(text)) if re.search(r"\b(from|import) tests\b", text):
                try:
                    yield from imported(text)
                except SyntaxError:
                    continue  # prose


def faults(path: str, source: str) -> list[str]:
    """The imports that a file of this path must not have."""
    found = []
    for name in imported(source):
        if any(part.startswith("test_") for part in name.split(".")[1:]):
            found.append(name)
        elif path.startswith("tests/unit/") and LARGER.match(name):
            if not (path.startswith(OF_THE_BENCHES) and name.startswith("tests.bench")):
                found.append(name)
        elif path.startswith("tests/support/") and LARGER.match(name):
            found.append(name)
    return found


def test_no_test_imports_another() -> None:
    sources = {file.relative_to(ROOT).as_posix(): file.read_text() for file in FILES}
    assert {path: found for path, source in sources.items() if (found := faults(path, source))} == {}


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("tests/unit/a/test_b.py", "from tests.unit.a.test_c import d", ["tests.unit.a.test_c.d"]),
        ("tests/e2e/test_b.py", "from tests.e2e import test_c", ["tests.e2e.test_c"]),
        ("tests/e2e/test_b.py", "import tests.unit.test_c", ["tests.unit.test_c"]),
        ("tests/unit/test_b.py", 'CODE = "\\nfrom tests.unit.test_b import of\\nof()"', ["tests.unit.test_b.of"]),
        ("tests/unit/test_b.py", "def f():\n    from tests.e2e.conftest import c", ["tests.e2e.conftest.c"]),
        ("tests/unit/test_b.py", "from tests.bench.load import c", ["tests.bench.load.c"]),
        ("tests/unit/bench/test_b.py", "from tests.bench.load import c", []),
        ("tests/e2e/test_b.py", "from tests.chaos.fleet import TRAPS", []),
        ("tests/support/b.py", "from tests.chaos.fleet import TRAPS", ["tests.chaos.fleet.TRAPS"]),
        ("tests/unit/test_b.py", "from tests.support.system import event", []),
        ("tests/unit/test_b.py", '"""What we import from tests is little."""', []),
    ],
)
def test_an_import_is_seen(path: str, source: str, found: list[str]) -> None:
    assert faults(path, source) == found
