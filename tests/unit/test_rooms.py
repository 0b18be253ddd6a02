"""The drawing of the rooms is made from the code, and its check sees what changed."""

from pathlib import Path

import pytest

from tests.support import rooms

CONTRACT = """
[[tool.importlinter.contracts]]
name = "the house"
type = "layers"
containers = ["streams"]
layers = ["hall", "left | right", "ground"]

[[tool.importlinter.contracts]]
name = "pure rooms: no I/O"
type = "forbidden"
source_modules = ["streams.ground"]
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house of five rooms whose drawing is current."""
    (tmp_path / "pyproject.toml").write_text(CONTRACT)
    write(tmp_path, "schemas/__init__.py", "")
    write(tmp_path, "streams/__init__.py", "")
    write(tmp_path, "streams/hall.py", "from streams import left\nimport streams.right.a\n")
    write(tmp_path, "streams/left/__init__.py", "from streams.ground import b\n")
    write(tmp_path, "streams/right/a.py", "import json\n")
    write(tmp_path, "streams/ground/b.py", "from schemas import envelope\n")
    assert run(tmp_path) == 0
    assert run(tmp_path, "--check") == 0
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def run(root: Path, *arguments: str) -> int:
    return rooms.main(arguments, root, root / "rooms.svg")


def test_arrows_are_the_imports_between_rooms(house: Path) -> None:
    found = rooms.read(house)
    assert found.arrows == {("hall", "left"), ("hall", "right"), ("left", "ground"), ("ground", "schemas")}
    assert (found.files["hall"], found.lines["hall"]) == (1, 2)


def test_an_arrow_that_others_stand_for_is_pale(house: Path) -> None:
    write(house, "streams/right/a.py", "from streams.ground import b\nfrom schemas import envelope\n")
    found = rooms.read(house)
    assert found.arrows - found.needed() == {("right", "schemas")}


def test_a_changed_import_makes_the_check_fail(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(house, "streams/right/a.py", "from streams.ground import b\n")
    assert run(house, "--check") == 1
    assert capsys.readouterr().err == "rooms.svg is not current: make map\n"
    assert run(house) == 0
    assert run(house, "--check") == 0


@pytest.mark.parametrize(("room", "other"), [("ground", "left"), ("right", "left")])
def test_an_arrow_upwards_or_along_a_floor_is_named(
    house: Path, capsys: pytest.CaptureFixture[str], room: str, other: str
) -> None:
    write(house, f"streams/{room}/more.py", f"from streams.{other} import x\n")
    assert run(house, "--check") == run(house) == 1
    assert f"{room} imports {other}, which is not below it\n" in capsys.readouterr().err


def test_a_room_on_no_floor_is_refused(house: Path) -> None:
    write(house, "streams/attic/a.py", "")
    with pytest.raises(ValueError, match=r"streams/attic/a\.py is in no room"):
        rooms.read(house)


def test_a_floor_of_a_room_that_is_not_there_is_refused(house: Path) -> None:
    (house / "streams/right/a.py").unlink()
    with pytest.raises(ValueError, match="rooms without a file: right"):
        rooms.read(house)


def test_no_line_goes_through_a_room_of_ours() -> None:
    found = rooms.read(rooms.ROOT)
    arrows = found.needed()
    where = rooms.place(found.floors, arrows)
    assert len(set(where.values())) == len(where) == len(found.files)
    for a, b in arrows:
        (x, y), (x2, y2) = where[a], where[b]
        for column, floor in where.values():
            if y < floor < y2:
                assert abs(x + (x2 - x) * (floor - y) / (y2 - y) - column) * rooms.STEP_X > rooms.WIDTH / 2
