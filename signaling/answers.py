"""(P) The memory of answers: the same id from the same person acts once and is answered alike.

Bounded: `PER_PERSON` ids for each person; the oldest that has been answered is forgotten first.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from signaling.refusal import Refused

PER_PERSON = 256


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended: `error` is None when it was carried out."""

    person: str
    id: str
    error: dict[str, Any] | None = None


@dataclass(slots=True)
class _Entry:
    command: str
    answer: Answer | None = None  # None: still running


class Answers:
    """Which commands were given, and how they ended."""

    def __init__(self) -> None:
        self._people: dict[str, OrderedDict[str, _Entry]] = {}

    def known(self, person: str, id: str, command: str) -> bool:
        """Whether this command was given before. Raises Refused `id_reused` if the id named another one."""
        entry = self._entry(person, id)
        if entry is not None and entry.command != command:
            raise Refused("id_reused", "This id already names another command; choose a new one.")
        return entry is not None

    def answer(self, person: str, id: str) -> Answer | None:
        """How the command ended; None while it runs."""
        entry = self._entry(person, id)
        return entry.answer if entry else None

    def open(self, person: str, id: str, command: str) -> None:
        """Remember a command that was accepted or refused; `close` says how it ended."""
        entries = self._people.setdefault(person, OrderedDict())
        entries[id] = _Entry(command)
        if len(entries) > PER_PERSON:
            oldest = next((key for key, entry in entries.items() if entry.answer is not None), id)
            del entries[oldest]

    def close(self, answer: Answer) -> None:
        entry = self._entry(answer.person, answer.id)
        if entry is not None:
            entry.answer = answer

    def _entry(self, person: str, id: str) -> _Entry | None:
        entries = self._people.get(person)
        return entries.get(id) if entries is not None else None
