"""(P) The lines of the journal: facts as JSON text, with who asked for them and when."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from signaling.event import Slate
from signaling.facts import Fact

_FACTS: Mapping[str, type[Any]] = MappingProxyType({fact.__name__: fact for fact in Fact.__args__})

_LISTS = frozenset(("feeds", "people", "speakers", "to", "lost"))  # tuples that JSON turns to lists


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal: when (Unix seconds), who asked what under which id, and what it led to."""

    at: float
    facts: tuple[Fact, ...]
    person: str = ""
    id: str = ""
    command: str = ""


def encode(facts: Iterable[Fact]) -> str:
    """Facts as JSON text, for the journal."""
    return json.dumps([{"fact": type(fact).__name__, **asdict(fact)} for fact in facts], ensure_ascii=False)


def decode(text: str) -> tuple[Fact, ...]:
    """The reverse of `encode`. Raises ValueError where the text holds anything else."""
    try:
        return tuple(_decode_one(item) for item in json.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a list of facts: {error}") from error


def _decode_one(item: dict[str, Any]) -> Fact:
    fields = dict(item)
    kind = _FACTS[fields.pop("fact")]
    if fields.get("slate") is not None:
        fields["slate"] = Slate(**fields["slate"])
    for name in _LISTS & fields.keys():
        fields[name] = tuple(fields[name])
    fact: Fact = kind(**fields)
    return fact
