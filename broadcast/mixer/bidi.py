"""In which order the characters of a line are shown: Arabic and Hebrew run from right to left, others do not.

The Unicode Bidirectional Algorithm (UAX 9) without its explicit formatting characters, which names and titles
have no use for. A font's shaper orders within a run of one font only, and a line has several. Pure.
"""

import unicodedata
from collections.abc import Iterator, Sequence

_RIGHT = ("R", "AL")
_NUMBERS = ("EN", "AN")
_OPENING = "([{⟨〈《「『【〔〖（［｛"
_CLOSING = ")]}⟩〉》」』】〕〗）］｝"


def levels(text: str) -> list[int]:
    """The level of each character: even ones run to the right, odd ones to the left; deeper ones are inside.

    The line runs as its first letter does (rule P2), or to the left if most of its letters do: a brand's name
    that a phrase in Arabic begins with does not turn the phrase round.
    """
    kinds = [unicodedata.bidirectional(char) or "L" for char in text]
    if not any(kind in _RIGHT or kind == "AN" for kind in kinds):
        return [0] * len(kinds)
    base = _base(kinds)
    _resolve_weak(kinds, "LR"[base])
    _resolve_brackets(text, kinds, "LR"[base])
    _resolve_neutral(kinds, "LR"[base])
    found = [base + _deeper(kind, base) for kind in kinds]
    for at in range(len(text.rstrip()), len(text)):
        found[at] = base
    return found


def shown(depths: Sequence[int]) -> list[int]:
    """The places of a line's pieces, by their levels, in the order that they are shown in."""
    order = list(range(len(depths)))
    for least in range(max(depths, default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and depths[order[end]] >= least:
                end += 1
            order[start:end] = reversed(order[start:end])
            start = end + 1
    return order


def _base(kinds: Sequence[str]) -> int:
    """The line's own level: 1 if its first letter, or most of its letters, run to the left."""
    strong = [kind in _RIGHT for kind in kinds if kind == "L" or kind in _RIGHT]
    return int(bool(strong) and (strong[0] or 2 * sum(strong) > len(strong)))


def _resolve_weak(kinds: list[str], base: str) -> None:
    """Rules W1 to W7: signs go with the letter before them, separators and currencies with their number."""
    before = base
    for at, kind in enumerate(kinds):
        if kind in ("NSM", "BN"):
            kinds[at] = before
        before = kinds[at]
    strong = base
    for at, kind in enumerate(kinds):
        if kind == "L" or kind in _RIGHT:
            strong = kind
        elif kind == "EN" and strong == "AL":
            kinds[at] = "AN"
    for at, kind in enumerate(kinds):
        if kind == "AL":
            kinds[at] = "R"
        elif kind in ("ES", "CS") and 0 < at < len(kinds) - 1:
            kinds[at] = _between_numbers(kinds[at - 1], kind, kinds[at + 1])
    for start, end in _stretches(kinds, ("ET",)):
        beside = {kinds[start - 1] if start else "", kinds[end] if end < len(kinds) else ""}
        kinds[start:end] = ["EN" if "EN" in beside else "ON"] * (end - start)
    strong = base
    for at, kind in enumerate(kinds):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[at] = "L"
        elif kind not in _NUMBERS:
            kinds[at] = "ON"


def _between_numbers(before: str, kind: str, after: str) -> str:
    """Rule W4: a separator between two numbers of one kind is of their kind."""
    if before == after and (before == "EN" or (before == "AN" and kind == "CS")):
        return before
    return kind


def _resolve_brackets(text: str, kinds: list[str], base: str) -> None:
    """Rule N0: both brackets of a pair run as what they enclose, or as what stands before them."""
    for first, last in _pairs(text, kinds):
        inside = {_strong(kind) for kind in kinds[first + 1 : last]} - {""}
        if not inside:
            continue
        way = base
        if base not in inside:
            way = next((_strong(kind) for kind in reversed(kinds[:first]) if _strong(kind)), base)
        kinds[first] = kinds[last] = way


def _pairs(text: str, kinds: Sequence[str]) -> list[tuple[int, int]]:
    """The places of brackets that belong together, in the order of the opening ones."""
    found, opened = [], list[tuple[int, int]]()
    for at, char in enumerate(text):
        if kinds[at] != "ON":
            continue
        if char in _OPENING:
            opened.append((_OPENING.index(char), at))
        elif char in _CLOSING:
            which = [sort for sort, _ in opened]
            if _CLOSING.index(char) in which:
                place = len(which) - 1 - which[::-1].index(_CLOSING.index(char))
                found.append((opened[place][1], at))
                del opened[place:]
    return sorted(found)


def _resolve_neutral(kinds: list[str], base: str) -> None:
    """Rules N1 and N2: spaces and signs run as both their neighbours do, or else as the line does."""
    for start, end in list(_stretches(kinds, ("ON",))):
        before = _strong(kinds[start - 1]) if start else base
        after = _strong(kinds[end]) if end < len(kinds) else base
        kinds[start:end] = [before if before == after else base] * (end - start)


def _stretches(kinds: Sequence[str], of: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Where stretches of these kinds start and end."""
    start = 0
    while start < len(kinds):
        end = start
        while end < len(kinds) and kinds[end] in of:
            end += 1
        if end > start:
            yield start, end
        start = end + 1


def _strong(kind: str) -> str:
    """The way of a letter or number, as seen by what stands beside it."""
    return "R" if kind in _NUMBERS else kind if kind in ("L", "R") else ""


def _deeper(kind: str, base: int) -> int:
    """Rules I1 and I2: how much deeper than the line this lies."""
    if kind in _NUMBERS:
        return 2 - base
    return int((kind == "R") != bool(base))
