"""What is trusted of an identifier, and how far: ``identity.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, Field

from streams.base.claims import CONTACT, CUSTOMER, STRENGTH
from streams.base.links import kind_of
from streams.base.units import FROM_FILES, Span

MAX_LIMIT = 150
"""Of less than a node keeps links (`streams.identity.graph`): one with too many is known to have them."""


def _kind(name: str) -> str:
    if name not in STRENGTH:
        raise ValueError(f"expected one of {', '.join(STRENGTH)}")
    return name


@dataclass(frozen=True, slots=True)
class Kind:
    """``limit``: with so many identifiers of the kind another one is linked at most; with more it is shared."""

    limit: Annotated[int, Field(strict=True, ge=1, le=MAX_LIMIT)]

    __pydantic_config__ = FROM_FILES


def _shipped() -> dict[str, Kind]:
    return {
        "email": Kind(3), "phone": Kind(3), "social": Kind(5), "account": Kind(5), "device": Kind(8), "cookie": Kind(50)
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """Whom an identifier stands for: kinds from the strongest to the weakest, ``reach`` in links. What holds is what
    held when a link was last told; changed rules hold for what is told from then on, and for replays.
    """

    kinds: dict[Annotated[str, AfterValidator(_kind)], Kind] = field(default_factory=_shipped)
    """A kind that is not named is no evidence, and names nobody."""
    reach: Annotated[int, Field(strict=True, ge=1, le=5)] = 3
    expires_after_ms: Annotated[Span | None, Field(alias="expires_after")] = None
    """So long a link holds, ms of stream time, when nothing shows it anew; None = for good. A word of a person does."""
    ranks: Mapping[str, int] = field(init=False, repr=False, compare=False)
    """Kind → 0 for the strongest."""
    limits: Mapping[str, int] = field(init=False, repr=False, compare=False)

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        ranks = {kind: rank for rank, kind in enumerate(self.kinds)}
        object.__setattr__(self, "ranks", MappingProxyType(ranks))
        limits = {name: kind.limit for name, kind in self.kinds.items()}
        object.__setattr__(self, "limits", MappingProxyType(limits))

    def rank(self, node: str) -> int:
        """−1 = a customer; the weakest of all is what is no identifier."""
        kind = kind_of(node)
        return CUSTOMER if kind == "customer" else self.ranks.get(kind, CONTACT)

    def order(self, node: str) -> tuple[int, str]:
        """The stronger is less."""
        return self.rank(node), node


SHIPPED = IdentityRules()
