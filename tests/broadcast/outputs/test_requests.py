"""Keyframe requests of several fan-outs: one a second to the mixer, for each rendition."""

from broadcast.outputs.requests import KeyframeRequests
from tests.support.rtp import Clock, picture


def test_one_a_second_for_each_rendition() -> None:
    """Many ask at once, one goes on; what was too soon goes on with a later frame, unless it was served."""
    clock, asked = Clock(), []
    requests = KeyframeRequests(asked.append, clock)
    for _ in range(5):
        requests.want()
    requests.want("360p")
    assert asked == ["", "360p"]
    requests.passed(picture(0, key=True))
    requests.want()
    requests.passed(picture(1))
    assert asked == ["", "360p"]
    clock.now += 1.0
    requests.passed(picture(2))
    assert asked == ["", "360p", ""]
    requests.passed(picture(3, key=True))
    clock.now += 1.0
    requests.passed(picture(4))
    requests.passed(picture(0), "720p")
    assert asked == ["", "360p", ""]
    requests.passed(picture(5), "360p")
    assert asked == ["", "360p", "", "360p"]
