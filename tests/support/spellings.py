"""One value written in many ways, for what reads identifiers."""

from hypothesis import strategies as st

UNSEEN = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u200f", "\ufe0f"]


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


@st.composite
def strewn(draw: st.DrawFn, text: str, among: list[str], most: int = 3) -> str:
    """``text`` with some of ``among`` at any places."""
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(among)) + text[at:]
    return text
