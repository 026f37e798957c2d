"""pavilion doctor: what it says of names and titles that no font can draw."""

from datetime import datetime
from typing import Any

import pytest

from broadcast.config import parse
from broadcast.doctor import Finding, examine
from broadcast.mixer.fonts import shapes

START = datetime.fromisoformat("2023-03-29T14:00:00+08:00")


def finding(what: str, **event: Any) -> Finding:
    config = parse(
        {
            "event": {"id": "show", "name": "Show", "start": START, **event},
            "server": {"http": "127.0.0.1:0", "udp": ["127.0.0.1:0"]},
            "people": [{"id": "ann", "name": "محمد عبد"}, {"id": "boss", "name": "Boss", "role": "producer"}],
            "talks": [{"id": "one", "title": "ที่ประชุม", "minutes": 5, "speakers": ["ann"]}],
        }
    )
    return next(found for found in examine(config) if found.what == what)


def test_names_that_the_fonts_have_are_good() -> None:
    """Arabic and Thai among them."""
    assert finding("names and titles").good


def test_a_machine_without_fribidi_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to say to have it."""
    assert finding("fribidi").good == shapes()
    monkeypatch.setattr("broadcast.doctor.shapes", lambda: False)
    assert not finding("fribidi").good
    assert finding("fribidi").says.endswith("apt-get install libfribidi0")


def test_characters_that_no_font_has_are_named() -> None:
    """In one sentence: which, where, what becomes of them and what to do."""
    found = finding("names and titles", name="გო SMART", place="Tbilisi 🎉")
    assert not found.good
    assert found.says.startswith('no font has გ ო 🎉 (in "გო SMART" and 1 more): ')
    assert "write these words in another way" in found.says
    assert "\n" not in found.says
