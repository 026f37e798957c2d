"""The fan-out's parts: the pump, which delivers in turns, and the limits of what viewers may ask for."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.limits import Bucket, KeyframeLimiter
from broadcast.outputs.pump import TURN, Pump


@given(st.lists(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 80)), max_size=6), max_size=6))
def test_the_pump_keeps_order_and_bounds(frames: list[list[tuple[int, int]]]) -> None:
    """Every peer gets every burst once and in order, and no turn delivers more than its share, or than
    two for a frame at its start, however many line-ups it is for."""
    later: list[Callable[[], None]] = []
    got: dict[int, list[bytes]] = {}
    work = [0]

    def burst(peers: list[int], packets: list[bytes]) -> None:
        work[0] += len(peers) * len(packets)
        for peer in peers:
            got.setdefault(peer, []).extend(packets)

    pump = Pump(burst, later.append)  # type: ignore[arg-type]
    jobs: list[tuple[int, int]] = []
    for frame in frames:
        work[0] = 0
        numbers = range(len(jobs), len(jobs) + len(frame))
        bursts = [
            (range(peers), [bytes((index, n)) for n in range(packets)])
            for index, (peers, packets) in zip(numbers, frame, strict=True)
        ]
        pump.put(bursts)  # type: ignore[arg-type]
        jobs += frame
        assert work[0] <= 2 * TURN + 80
    while later:
        work[0] = 0
        later.pop(0)()
        assert work[0] <= TURN + 80
    for peer, packets in got.items():
        assert packets == [
            bytes((index, n))
            for index, (peers, count) in enumerate(jobs)
            if peer < peers
            for n in range(count)
        ]


def test_limits() -> None:
    """The limiter opens once an interval; the bucket fills at its rate up to its size."""
    limiter = KeyframeLimiter(1.0)
    assert not limiter.due(0.0)
    limiter.want()
    assert limiter.due(0.0)
    assert not limiter.due(0.9)
    assert limiter.due(1.0)
    limiter.arrived()
    assert not limiter.due(5.0)
    bucket = Bucket(2.0, 4.0)
    assert [bucket.take(1, 0.0) for _ in range(5)] == [True] * 4 + [False]
    assert [bucket.take(1, 1.0) for _ in range(3)] == [True, True, False]
