"""What one viewer may have sent again."""

from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.resends import AT_ONCE, COPIES, LEAST, REMEMBERED, SHARE, Resends

RATE = 800_000


def test_an_answer_gets_time_to_arrive() -> None:
    """Not again within most of a round trip; then one copy more each time."""
    resends = Resends()
    assert not resends.soon(7, 1.0, 0.2)
    assert resends.take(7, 1000, 1.0, RATE) == 1
    assert resends.soon(7, 1.0 + 0.9 * LEAST * 0.2, 0.2)
    assert not resends.soon(7, 1.2, 0.2)
    assert resends.take(7, 1000, 1.2, RATE) == 2
    assert resends.take(7, 1000, 1.4, RATE) == 3
    assert resends.take(7, 1000, 1.6, RATE) == COPIES
    assert 7 in resends
    assert 8 not in resends


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 0xFFFF), st.integers(50, 1400)), max_size=400))
def test_all_together_keep_to_their_share(wishes: list[tuple[float, int, int]]) -> None:
    """However much is asked for: a share of the rendition's rate, and a keyframe at once."""
    resends, now, bits = Resends(), 0.0, 0
    for pause, sequence, size in wishes:
        now += pause
        bits += 8 * size * resends.take(sequence, size, now, RATE)
        assert bits <= RATE * (AT_ONCE + SHARE * now) + 1
        assert len(resends._sent) <= REMEMBERED


def test_what_was_refused_is_not_forgotten() -> None:
    """A request beyond the share changes nothing of what is known of the packet."""
    resends = Resends()
    assert resends.take(1, 1000, 0.0, RATE) == 1
    assert all(resends.take(number, 1000, 0.0, RATE) for number in range(2, 51))
    assert resends.take(1, 1000, 0.0, RATE) == 0
    assert 1 in resends
