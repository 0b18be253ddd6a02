"""What a place in a rule file may say, from the types of the rules: for who wrote something else."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from streams.base.units import NotInFiles


def allowed(kind: Any, path: Sequence[str | int]) -> list[str]:
    """The fields of the mapping at this path of a file of this type; none where it has no fixed ones."""
    for step in path:
        kind = _below(_plain(kind), step)
    return list(_fields(_plain(kind)))


def _below(kind: Any, step: str | int) -> Any:
    if is_dataclass(kind):
        return _fields(kind).get(str(step))
    if get_origin(kind) is None:
        return None
    *_, inner = (each for each in get_args(kind) if each is not ...)
    return inner


def _fields(kind: Any) -> Mapping[str, Any]:
    """Name in the file → type."""
    if not is_dataclass(kind):
        return {}
    owner: Any = kind
    hints = get_type_hints(owner, include_extras=True)
    known = [each.name for each in fields(kind) if each.init and NotInFiles not in _beside(hints[each.name])]
    return {_name(name, hints[name]): hints[name] for name in known}


def _beside(hint: Any) -> Sequence[Any]:
    return hint.__metadata__ if get_origin(hint) is Annotated else ()


def _name(name: str, hint: Any) -> str:
    aliases = (each.alias for each in _beside(hint) if isinstance(each, FieldInfo))
    return next((alias for alias in aliases if alias), name)


def _plain(kind: Any) -> Any:
    """The type without what is said beside it, and without None."""
    if get_origin(kind) is Annotated:
        return _plain(kind.__origin__)
    some = [each for each in get_args(kind) if each is not type(None)]
    if type(None) in get_args(kind) and len(some) == 1:
        return _plain(some[0])
    return kind
