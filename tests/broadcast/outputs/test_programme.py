"""The programme as feeds: who gets which frames."""

import pytest

from broadcast.outputs.programme import FULL, Programme
from broadcast.rtp.frame import Frame
from tests.support.rtp import picture, sound


def test_each_feed_has_its_own_pictures_and_the_sound() -> None:
    """Pictures go to their rendition's sinks, sound to all, and nothing after `detach`."""
    programme = Programme(["360p"])
    full: list[Frame] = []
    small: list[Frame] = []
    programme.attach(full.append)
    detach = programme.attach(small.append, "programme.360p")
    large, little, voice = picture(0, key=True), picture(0, key=True, size=300), sound(0)
    programme.send(large)
    programme.send_rendition("360p", little)
    programme.send_rendition("90p", little)
    programme.send(voice)
    detach()
    programme.send_rendition("360p", little)
    assert (full, small) == ([large, voice], [little, voice])
    with pytest.raises(KeyError):
        programme.attach(full.append, "programme.90p")


def test_a_sink_that_fails_harms_no_other() -> None:
    """The next output gets the frame all the same."""
    programme = Programme()
    got: list[Frame] = []

    def broken(frame: Frame) -> None:
        raise ValueError(frame)

    programme.attach(broken)
    programme.attach(got.append, FULL)
    programme.send(sound(0))
    assert len(got) == 1
