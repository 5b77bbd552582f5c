"""Words that mean harm to a terminal, and what must be true of everything that is shown."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from freehold.base.plain_text import printable
from freehold.wire.events import AnyEvent, AnyHostEvent, AnyTestimony

NASTY = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.exe\r\x08\x7f\u2028\u200b\x1b[8m"
NASTY_LINES = f"{NASTY}\n✓ completed in 0.1 s\nerror: {NASTY}\x85end"

_OURS = re.compile(r"\x1b\[[0-9;]*m")
EVENT_TYPES: list[type[msgspec.Struct]] = [*get_args(AnyHostEvent), *get_args(AnyTestimony)]

hostile_texts = st.one_of(
    st.sampled_from([NASTY, NASTY_LINES, "\x1b", "\n", ""]),
    st.text(alphabet=st.one_of(st.sampled_from("\x1b[]0;m\x07\n\r\t\x9b\u202e a"), st.characters())),
)


def drives_the_terminal(shown: str, *, styled: bool = False) -> str:
    """The characters in `shown` that are none of ours; with `styled`, colours and weights are ours."""
    rest = _OURS.sub("", shown) if styled else shown
    return "".join(character for character in rest if not character.isprintable() and character not in "\n\t")


def event_of(kind: type[msgspec.Struct], text: str) -> AnyEvent:
    """An event of that type with `text` in every string, however deep."""
    event: AnyEvent = msgspec.convert(_values(kind, text), kind)  # type: ignore[assignment]
    return event


def tamed(text: str) -> str:
    """What a text says when nothing in it is obeyed."""
    return printable(text)


def _values(kind: type[msgspec.Struct], text: str) -> dict[str, Any]:
    tag = kind.__struct_config__.tag
    values = {field.encode_name: _value(field.encode_name, field.type, text) for field in msgspec.structs.fields(kind)}
    return {**values, "type": tag} if tag is not None else values


def _value(name: str, kind: Any, text: str) -> Any:
    if name == "error" and kind is Any:
        return {"code": text, "message": text, "hint": text}
    schema = msgspec.inspect.type_info(kind)
    if isinstance(schema, msgspec.inspect.Metadata):
        schema = schema.type
    match schema:
        case msgspec.inspect.StrType():
            # Results are words of ours, and options have a longest length.
            return "error" if name == "result" else text[:500]
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return 1
        case msgspec.inspect.BoolType():
            return False
        case msgspec.inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case msgspec.inspect.StructType(cls=cls):
            return _values(cls, text)
        case msgspec.inspect.ListType(item_type=msgspec.inspect.StructType(cls=cls)):
            return [_values(cls, text)]
        case msgspec.inspect.ListType():
            return [text]
        case msgspec.inspect.DictType(key_type=msgspec.inspect.EnumType(cls=cls)):
            return {next(iter(cls)).value: 1.0}
        case msgspec.inspect.UnionType(types=types):
            texts = any(isinstance(each, msgspec.inspect.StrType) for each in types)
            return text if texts else 1 if any(isinstance(each, msgspec.inspect.IntType) for each in types) else None
    return text
