"""The file of tokens."""

from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.api import limits, tokens
from streams.api.tokens import Tokens, TokensError
from streams.api.who import Denied, Who
from streams.base.times import DAY_MS
from streams.cli.main import app

NOW = 1_772_442_964_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.jsonl"


def test_a_token_is_known_by_its_hash_alone(file: Path) -> None:
    made = tokens.make(file, "sam", "operator", 1, NOW)
    text = file.read_text()
    assert made not in text
    assert sha256(made.encode()).hexdigest() in text
    assert file.stat().st_mode & 0o777 == 0o600
    known = Tokens(file)
    assert known.who(made, NOW) == Who("sam", "token", "operator", NOW + DAY_MS)
    for other in (made[:-1], made + "x", "", "é", sha256(made.encode()).hexdigest()):
        with pytest.raises(Denied) as denied:
            known.who(other, NOW)
        assert denied.value.why == "unknown"
    with pytest.raises(Denied) as denied:
        known.who(made, NOW + DAY_MS)
    assert denied.value.why == "expired"


def test_a_name_is_one_persons(file: Path) -> None:
    tokens.make(file, "sam", "viewer", 1, NOW)
    with pytest.raises(TokensError, match="has a token with the name 'sam' already"):
        tokens.make(file, "sam", "admin", 1, NOW)
    tokens.make(file, "sam", "admin", 1, NOW + DAY_MS)  # the other one has expired
    with pytest.raises(TokensError, match="up to 100 of"):
        tokens.make(file, "sam\nmore", "admin", 1, NOW)
    assert tokens.revoke(file, "sam") == 2
    assert tokens.entries(file) == []


def test_what_changes_in_the_file_counts(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tokens, "LOOK_SECONDS", 0.0)
    sam = tokens.make(file, "sam", "viewer", 1, NOW)
    known = Tokens(file)
    ann = tokens.make(file, "ann", "admin", 1, NOW)
    assert known.who(ann, NOW).name == "ann"
    tokens.revoke(file, "sam")
    with pytest.raises(Denied):
        known.who(sam, NOW)
    with file.open("a") as more:
        more.write("odd\n")
    assert known.who(ann, NOW).name == "ann"
    assert "2: no line that" in caplog.text
    file.chmod(0o666)
    with pytest.raises(Denied):  # anybody may have written it
        known.who(ann, NOW)
    file.unlink()
    with pytest.raises(Denied):
        known.who(ann, NOW)


@pytest.mark.parametrize("line", ["odd", "{}", '{"name": "a", "role": "boss"}', "[]", "1"])
def test_a_server_does_not_start_with_a_line_that_is_none(file: Path, line: str) -> None:
    tokens.make(file, "sam", "viewer", 1, NOW)
    file.write_text(f"# a remark\n\n{file.read_text()}{line}\n")
    with pytest.raises(TokensError, match=":4: no line that"):
        Tokens(file)


def test_nor_with_a_file_that_others_may_write(file: Path) -> None:
    file.touch()
    file.chmod(0o620)
    with pytest.raises(TokensError, match="may be written by others"):
        Tokens(file)


def test_the_command_shows_a_token_once(file: Path) -> None:
    run = CliRunner()
    words = ["serve", "token", "--role", "operator", "--name", "sam", "--tokens", str(file)]
    made = run.invoke(app, words)
    assert made.exit_code == 0
    assert Tokens(file).who(made.stdout.strip(), NOW).role == "operator"
    listed = run.invoke(app, ["serve", "tokens", "--tokens", str(file)]).stdout
    assert "sam" in listed
    assert made.stdout.strip() not in listed
    assert run.invoke(app, words).exit_code == 1
    assert run.invoke(app, ["serve", "revoke", "--name", "sam", "--tokens", str(file)]).stdout == "1 taken back\n"
    assert run.invoke(app, ["serve", "revoke", "--name", "sam", "--tokens", str(file)]).exit_code == 1
    unnamed = run.invoke(app, ["serve", "tokens"])
    assert unnamed.exit_code == 1
    assert "which file? --tokens FILE, or CONTACT_STREAMS_API_TOKENS" in unnamed.stderr


def test_a_share_of_requests_is_filled_evenly() -> None:
    now = [0.0]
    rates = limits.Rates(60, lambda: now[0])
    assert [rates.wait("sam") for _ in range(11)] == [0] * 10 + [1]
    assert rates.wait("ann") == 0
    now[0] = 2.0
    assert [rates.wait("sam") for _ in range(3)] == [0, 0, 1]
    for number in range(limits.MOST_KNOWN + 10):
        rates.wait(str(number))
    assert len(rates._left) == limits.MOST_KNOWN
    assert limits.Rates(1, lambda: 0.0).wait("x") == 0
