"""The order of characters: what the Unicode Bidirectional Algorithm says of names and titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.mixer.bidi import levels, shown

# A line as it is written, and as it is shown from left to right. Right-to-left letters stand as
# escapes (alef, bet, gimel of Hebrew; alef, beh of Arabic), because an editor would turn the lines round.
A, B, G, ALEF, BEH = "\u05d0", "\u05d1", "\u05d2", "\u0627", "\u0628"
LINES = [
    ("", ""),
    ("GO SMART 2023", "GO SMART 2023"),
    (f"{A}{B} {G}", f"{G} {B}{A}"),
    (f"{A}{B} GO SMART 2023", f"GO SMART 2023 {B}{A}"),
    (f"GO: {A}{B}{G}", f"{G}{B}{A} :GO"),
    (f"Go to {A}{B} now", f"Go to {B}{A} now"),
    (f"Go {A}{B} 12.5", f"Go 12.5 {B}{A}"),
    (f"{ALEF}{BEH} 12:30", f"12:30 {BEH}{ALEF}"),
    (f"{ALEF} \u0662\u0663", f"\u0662\u0663 {ALEF}"),
    (f"{A} 5% {B}", f"{B} 5% {A}"),
    (f"{A} (GO SMART) {B}", f"{B} )GO SMART( {A}"),
    (f"GO ({A}{B}) 2023", f"GO ({B}{A}) 2023"),
    (f"{A}{B}!", f"!{B}{A}"),
    (f"{A}\u05b0{B}", f"{B}\u05b0{A}"),
]


@pytest.mark.parametrize(("written", "seen"), LINES)
def test_lines_are_shown_as_they_are_read(written: str, seen: str) -> None:
    """Brackets are turned round by the shaper, here they only move."""
    assert "".join(written[at] for at in shown(levels(written))) == seen


@given(st.text(alphabet=f"ab {A}{B}{ALEF}{BEH}12\u0662.,:/+-%()[]\u05b0\u200d", max_size=24))
def test_nothing_is_lost(text: str) -> None:
    """The order is of all characters; what comes last and is empty goes with the line."""
    found = levels(text)
    assert sorted(shown(found)) == list(range(len(text)))
    assert all(0 <= level <= 2 for level in found)


@given(st.text(alphabet="abc é福さन्1 .,()", max_size=24))
def test_lines_without_arabic_or_hebrew_stay_as_they_are(text: str) -> None:
    """One level, the outermost."""
    assert set(levels(text)) <= {0}
