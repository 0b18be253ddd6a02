"""The documents: their text, what of it is code, and their headings."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
IN_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.DOTALL | re.MULTILINE)


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def in_code(page: Path) -> str:
    return "\n".join(IN_CODE.findall(text(page)))


def anchors(page: Path) -> set[str]:
    """Of the headings, as code hosts make them."""
    titles = re.findall(r"^#+ (.+)$", CODE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def section(page: Path, title: str) -> str:
    """What is below the heading of any level with this title, up to the next one."""
    _, _, rest = text(page).partition(f"# {title}\n")
    assert rest, f"{page.name} has no section {title}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(table: str) -> list[list[str]]:
    """The cells of a section's tables, without their heads."""
    found = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    heads = {place - 1 for place, cells in enumerate(found) if set(cells[0]) <= {"-", ":"}}
    return [cells for place, cells in enumerate(found) if place not in heads and place - 1 not in heads]
