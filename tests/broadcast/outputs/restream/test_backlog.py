"""What a slow target is sent: it begins and goes on at a keyframe, and never much waits for it."""

from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.restream.backlog import Backlog
from broadcast.rtp.frame import Codec, Frame


def picture(size: int = 10, keyframe: bool = False) -> Frame:
    return Frame(Codec.H264, bytes(size), 0, 0.0, keyframe)


def sound(size: int = 10) -> Frame:
    return Frame(Codec.AAC, bytes(size), 0, 0.0)


def test_begins_at_a_keyframe() -> None:
    """Nothing before the first keyframe is sent, and it counts as no loss."""
    backlog = Backlog(100)
    assert [backlog.admit(each, 0) for each in (sound(), picture(), picture(keyframe=True), sound())] == [
        False,
        False,
        True,
        True,
    ]
    assert backlog.dropped == 0


def test_goes_on_at_a_keyframe() -> None:
    """A full queue leaves out pictures up to the next keyframe that has room; sound comes earlier."""
    backlog = Backlog(100)
    assert backlog.admit(picture(keyframe=True), 0)
    assert not backlog.admit(picture(), 95)
    assert not backlog.admit(sound(), 95)
    assert not backlog.admit(picture(), 0), "it would be torn"
    assert backlog.admit(sound(), 40)
    assert not backlog.admit(picture(keyframe=True), 60), "it would be full again at once"
    assert backlog.wants_keyframe
    assert backlog.admit(picture(keyframe=True), 50)
    assert backlog.admit(picture(), 60)
    assert backlog.dropped == 4


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 80), st.integers(0, 60)), max_size=80))
def test_never_torn_never_full(frames: list[tuple[bool, bool, int, int]]) -> None:
    """However fast a target takes, no picture is sent whose predecessor was not, and the bound holds."""
    backlog, waiting, whole = Backlog(100), 0, False
    for video, keyframe, size, taken in frames:
        waiting = max(0, waiting - taken)
        frame = picture(size, keyframe) if video else sound(size)
        bound = max(100, 50 + size) if video and keyframe else 100
        sent = backlog.admit(frame, waiting)
        if video:
            assert not sent or keyframe or whole
            whole = sent
        waiting += size * sent
        assert not sent or waiting <= bound
