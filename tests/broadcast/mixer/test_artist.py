"""The artist: draws in a thread of its own, which no text may end."""

import pytest

from broadcast.mixer.artist import Artist
from broadcast.mixer.scene import Card, Layout, Scene, Source, Strip
from broadcast.mixer.settings import ProgrammeSettings


@pytest.mark.parametrize("text", ["two\nlines", "a\r\n\x1c\x85\u2028\u2029b", "\ud800"])
def test_whatever_one_scene_says_the_next_is_drawn(text: str) -> None:
    """A scene that cannot be drawn is left out, and nobody waits for it."""
    artist = Artist(ProgrammeSettings())
    try:
        pictures = (Source("thony", text),)
        odd = artist.draw(Scene(Layout.FULL, pictures, Strip(text, text, text), Card(text, text)))
        assert odd.ready.wait(30)
        good = artist.draw(Scene(Layout.SLATE, card=Card("General Assembly", "We start soon")))
        assert good.ready.wait(30)
        assert good.card is not None
    finally:
        artist.close(30)
