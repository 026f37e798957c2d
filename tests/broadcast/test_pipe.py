"""The messages between two processes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.pipe import LARGEST, Pieces, pack, pack_frame, unpack_frame, unpack_json
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
    stream = b"".join(pack_frame(9, frame, feed) for frame, feed in messages)
    pieces = Pieces()
    found = []
    for start in range(0, len(stream), step):
        found += [unpack_frame(body) for word, body in pieces.feed(stream[start : start + step])]
    assert found == [(feed, frame) for frame, feed in messages]


@given(st.binary(max_size=400))
def test_garbage_is_refused_by_the_documented_error_only(data: bytes) -> None:
    """Whatever the bytes, nothing but MalformedError."""
    try:
        for _, body in Pieces().feed(data):
            for read in (unpack_frame, unpack_json):
                try:
                    read(body)
                except MalformedError:
                    continue
    except MalformedError:
        return


@pytest.mark.parametrize("head", [b"\0\0\0\0\x01", (LARGEST + 1).to_bytes(4, "big") + b"\x01"])
def test_an_impossible_head_is_refused(head: bytes) -> None:
    """A length of nothing or beyond the limit."""
    with pytest.raises(MalformedError):
        list(Pieces().feed(head))


def test_a_word_without_a_body() -> None:
    """The shortest message."""
    assert list(Pieces().feed(pack(6, b""))) == [(6, b"")]
