"""The bench measures rightly: its arithmetic, on rows made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import measures, rows
from tests.bench.figures import Figure, floor, percentile, slope, table
from tests.bench.soak import Sample, figures
from tests.support import codes


def row(at: float, number: int, code: float = -1, light: float = 0) -> list[float]:
    return [at, at, (4294960000 + number * 3000) % (1 << 32), number, code, light, at]


@given(st.integers(0, 3), st.integers(0, 100_000))
def test_codes_come_back(who: int, number: int) -> None:
    """A code read back names its speaker and its number; one wrong cell is noticed or is another number."""
    assert codes.read(codes.code_of(who, number)) == (who, number % codes.NUMBERS)
    assert codes.read(codes.code_of(who, number) ^ 1) is None


def test_rows() -> None:
    """Wanted, presented and the longest gap are counted, over a wrap of the RTP clock too."""
    seen = [row(0, 0), row(33, 1), row(66, 2), row(166, 3), row(232, 5)]
    assert rows.wanted(seen) == 5
    assert rows.presented(seen) == 5
    assert rows.longest_gap(seen) == 100


def test_delays() -> None:
    """A picture is matched with the last time that its number was sent."""
    log = rows.SentLog(10)
    for number in range(25):
        log.note(number, number / 30)
    seen = [row(23 / 30 * 1000 + 40 + 7, 1, codes.code_of(0, 23 % 10))]
    assert rows.delays(seen, [log], offset=7.0) == [pytest.approx(40)]


def test_lipsync_pairs() -> None:
    """Beeps are matched with the flash nearest to them."""
    seen = [
        row(at, number, light=250 if at % 1000 < 100 else 20)
        for number, at in enumerate(range(500, 3000, 33))
    ]
    lights = rows.flashes(seen)
    assert len(lights) == 2
    assert rows.pairs(lights, [lights[0] + 10, lights[1] - 5, 9000]) == [10, -5]


def test_continuity() -> None:
    """A missing packet and an odd timestamp are both counted, a wrap is not."""
    packets = [(7, 65535, 100), (7, 0, 100), (7, 1, 3100), (7, 3, 6100), (7, 4, 9101)]
    sequence, stamps = measures.continuity(packets, "x")
    assert (sequence.value, stamps.value) == (1, 1)


def test_percentile_and_table() -> None:
    """Nearest rank; each figure has its verdict."""
    assert percentile(list(range(1, 21)), 0.95) == 19
    text = table([Figure("a", 5, "ms", 4), Figure("b", 5, "%", 4, True), Figure("c", None, "", 1)])
    assert text.count("MISS") == 2
    assert text.count("pass") == 1


def test_what_grows() -> None:
    """A straight line is found in noise, and what happens while all warms up does not count."""
    times = [float(at) for at in range(100)]
    assert slope(times, [3.0 * at + (7, -7)[int(at) % 2] for at in times]) == pytest.approx(3, abs=0.05)
    assert floor([5.0, 3, 9, 4, 4, 8], 3) == [3, 4, 4]
    samples = [Sample(at, "server", 100 + min(at, 200), 3, 20 + at // 400, 9) for at in range(0, 1000, 10)]
    found = {figure.name: figure for figure in figures(samples)}
    assert found["soak: memory of the server"].value == pytest.approx(0)
    assert found["soak: tasks of the server"].verdict == "pass"
    assert found["soak: descriptors of the server"].verdict == "MISS"
