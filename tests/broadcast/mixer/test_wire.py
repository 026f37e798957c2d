"""The messages between the server and the mixer's process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.mixer.scene import Card, Layout, Scene, Source, Strip
from broadcast.mixer.settings import Look, ProgrammeSettings
from broadcast.mixer.wire import (
    LARGEST,
    Splitter,
    Word,
    pack,
    pack_frame,
    pack_json,
    unpack_frame,
    unpack_json,
)
from broadcast.rtp.frame import Codec, Frame

frames = st.builds(
    Frame,
    codec=st.sampled_from(Codec),
    data=st.binary(max_size=300),
    timestamp=st.integers(-(2**63), 2**63 - 1),
    captured=st.floats(allow_nan=False),
    keyframe=st.booleans(),
)


@given(st.lists(st.tuples(frames, st.text(max_size=40))), st.integers(1, 200))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(messages: list, step: int) -> None:
    """Any frames of any feeds, in pieces of any size."""
    stream = b"".join(pack_frame(Word.FRAME, frame, feed) for frame, feed in messages)
    splitter = Splitter()
    found = []
    for start in range(0, len(stream), step):
        found += [unpack_frame(body) for word, body in splitter.feed(stream[start : start + step])]
    assert found == [(feed, frame) for frame, feed in messages]


@given(st.binary(max_size=400))
def test_garbage_is_refused_by_the_documented_error_only(data: bytes) -> None:
    """Whatever the bytes, nothing but MalformedError."""
    try:
        for _, body in Splitter().feed(data):
            for read in (unpack_frame, unpack_json):
                try:
                    read(body)
                except MalformedError:
                    continue
    except MalformedError:
        return


@pytest.mark.parametrize(
    "head", [b"\0\0\0\0\x01", (LARGEST + 1).to_bytes(4, "big") + b"\x01", b"\0\0\0\1\xff"]
)
def test_an_impossible_head_is_refused(head: bytes) -> None:
    """A length of nothing or beyond the limit, and a word that does not exist."""
    with pytest.raises(MalformedError):
        list(Splitter().feed(head))


def test_a_word_without_a_body() -> None:
    """The shortest message."""
    assert list(Splitter().feed(pack(Word.KEYFRAME, b""))) == [(Word.KEYFRAME, b"")]


def test_scenes_and_settings_cross_the_pipe_unchanged() -> None:
    """Through JSON and back they are equal, in any script."""
    scenes = (
        Scene(Layout.SLATE, card=Card("陳雅琳", "हिन्दी", 1680069600.5)),
        Scene(
            Layout.PIP, (Source("a", "Ľubomír", 0.5, False, 10.0), Source("b")), Strip("高橋花子", "x", "y")
        ),
    )
    for scene in scenes:
        [(_, body)] = Splitter().feed(pack_json(Word.SHOW, scene.to_json()))
        assert Scene.from_json(unpack_json(body)) == scene
    settings = ProgrammeSettings(fps=25, look=Look(event="GO SMART"))
    [(_, body)] = Splitter().feed(pack_json(Word.SETTINGS, settings.to_json()))
    assert ProgrammeSettings.from_json(unpack_json(body)) == settings
