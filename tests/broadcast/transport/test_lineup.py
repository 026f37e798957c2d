"""Line-ups: everybody once, in rows, whatever the slices."""

import os
import socket

from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from broadcast.transport.lineup import LineUp, Target, line_up
from broadcast.transport.seal import KEY, SALT, Seal
from tests.support import core


def target(number: int, tag: int, seal: Seal | None = None) -> Target:
    policy = Policy(key=os.urandom(30), ssrc_type=Policy.SSRC_ANY_OUTBOUND)
    return Target(socket.AF_INET, ("127.0.0.1", 1 + number), Session(policy), tag, seal=seal)


def members(line: LineUp) -> list[Target]:
    return [each for part in line for each in part.targets]


@given(st.lists(st.sampled_from((10, 16)), max_size=12), st.integers(0, 13), st.integers(0, 13))
def test_a_slice_is_what_a_list_would_give(tags: list[int], first: int, end: int) -> None:
    """Slices of a line-up hold the same targets as slices of the list of all."""
    line = line_up([target(number, tag) for number, tag in enumerate(tags)])
    everybody = members(line)
    assert len(line) == len(tags)
    assert sorted(each.address[1] for each in everybody) == list(range(1, 1 + len(tags)))
    assert members(line[first:end]) == everybody[first:end]
    assert len(line[first:end]) == len(everybody[first:end])


def test_a_row_is_what_c_wants() -> None:
    """Handles and addresses lie side by side, in the order of the targets; one can be left out."""
    everybody = [target(number, 16) for number in range(4)]
    (part,) = line_up(everybody)[1:4]
    row = part.row
    assert [row.pointers[number] for number in range(4)] == [each.handle for each in everybody]
    assert row.names == b"".join(each.name for each in everybody)
    assert row.name_size == 16
    less = part.without(1)
    assert less is not None
    assert less.targets == [everybody[1], everybody[3]]
    assert part.cut(0, 1).without(0) is None


def test_a_row_has_seals_or_none() -> None:
    """Whose RTP is sealed stand in a row of their own, with the seals' addresses side by side."""
    core.need_seal()
    seals = [Seal(os.urandom(KEY + SALT)) if number % 2 else None for number in range(6)]
    everybody = [target(number, 16, seal) for number, seal in enumerate(seals)]
    plain, sealed = line_up(everybody)
    assert plain.targets == everybody[::2]
    assert not plain.row.seals
    assert sealed.targets == everybody[1::2]
    assert list(sealed.row.seals) == [seal.address for seal in seals if seal is not None]
