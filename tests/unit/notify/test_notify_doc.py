"""docs/notify.md says what is there, and its programs work."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas import registry
from streams.notify.config import Target, load
from streams.notify.formats import webhook
from streams.notify.message import NAMES, TEXT, TITLE, Message
from streams.notify.metrics import Metrics
from streams.notify.web import PORT
from tests.support.notify import event
from tests.support.pages import ROOT, rows, section, text

PAGE = ROOT / "docs" / "notify.md"


def test_the_check_of_the_signature_works() -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", text(PAGE), re.DOTALL | re.MULTILINE)
    known: dict[str, Any] = {}
    exec(program, known)
    is_genuine = known["is_genuine"]
    message, now = Message("wait.1@1#2", "step", (event(1),)), int(time.time())
    request = webhook.request(message, "https://desk.example.com", "secret", now)
    assert is_genuine(request.headers, request.body, "secret")
    assert not is_genuine(request.headers, request.body + b" ", "secret")
    assert not is_genuine(request.headers, request.body, "Secret")
    assert not is_genuine({**request.headers, webhook.TIMESTAMP: f"{now + 1}"}, request.body, "secret")
    old = webhook.request(message, "https://desk.example.com", "secret", now - webhook.TOLERANCE_SECONDS - 1)
    assert not is_genuine(old.headers, old.body, "secret")


def test_the_files_of_the_page_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"^```yaml\n(# notify.yaml\n.*?)^```", text(PAGE), re.DOTALL | re.MULTILINE)
    (tmp_path / "notify.yaml").write_text(example)
    assert len(load(tmp_path / "notify.yaml", secrets=False).targets) == 6
    ((first, last),) = re.findall(r"^cat > notify.yaml <<EOF\n(.*?)^EOF\n(.*?)\n", text(PAGE), re.DOTALL | re.MULTILINE)
    (tmp_path / "notify.yaml").write_text(first)
    name, _, value = last.removeprefix("export ").partition("=")
    monkeypatch.setenv(name, value)
    assert load(tmp_path / "notify.yaml").targets.keys() == {"desk"}


def test_tables_of_names_and_metrics_and_defaults_are_current() -> None:
    page = text(PAGE)
    assert [tuple(row) for row in rows(section(PAGE, "Templates"))] == [
        (f"`{name}`", what) for name, what in NAMES.items()
    ]
    assert f"```\n{TITLE}\n{TEXT}\n```" in page
    exposed = {
        f"{each.name}{'_total' if each.type == 'counter' else ''}" for each in Metrics(["desk"]).registry.collect()
    }
    ours = {name for name in exposed if name.startswith("contact_")}
    assert set(re.findall(r"^\| `(contact_\w+)", page, re.MULTILINE)) == ours
    target = Target(slack=object())  # type: ignore[arg-type]
    assert (target.timeout, target.attempts, target.first, target.most, target.parallel) == (
        10_000,
        50,
        1000,
        120_000,
        4,
    )
    assert f"({PORT}, the next free one" in page


def test_the_example_of_a_dead_letter_is_one() -> None:
    spec = registry.topics()["notify.dead-letters"]
    assert [spec.check(each.value) for each in spec.examples] == [None]
    assert spec.key_of(spec.examples[0].value) == spec.examples[0].key
    assert yaml.safe_load((registry.TOPICS / "notify.dead-letters.yaml").read_text())["producers"] == ["notify"]
