"""A feed whose bitstream crashes the mixer: who is to blame, and how it is kept out."""

import os
import signal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.mixer.blackbox import SEATS, BlackBox
from broadcast.mixer.quarantine import DEATHS, WINDOW, Quarantine
from broadcast.mixer.scene import Layout, Scene, Source
from tests.broadcast.mixer.studio import BLUE, RED, Studio, camera, microphone


def test_two_crashes_within_seconds() -> None:
    """The first is forgiven, the second is not; who comes anew begins anew."""
    quarantine = Quarantine()
    assert not quarantine.died({"a", "b"}, 100.0)
    assert quarantine.died({"b", "c"}, 101.0) == {"b"}
    assert quarantine.feeds == {"b"}
    assert not quarantine.died({"b"}, 102.0), "it is out already"
    quarantine.readmit("b")
    assert not quarantine.feeds
    assert not quarantine.died({"b"}, 103.0)
    assert quarantine.died({"b"}, 104.0) == {"b"}


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.floats(0.0, 20.0)), max_size=40))
def test_only_who_was_there_twice_is_out(deaths: list[tuple[set[str], float]]) -> None:
    """Of those out each was being decoded at two crashes less than ten seconds apart; little is kept."""
    quarantine, now = Quarantine(), 0.0
    seen: dict[str, list[float]] = {}
    for suspects, later in deaths:
        now += later
        quarantine.died(suspects, now)
        for feed in suspects:
            seen.setdefault(feed, []).append(now)
        assert len(quarantine._deaths) <= DEATHS
    for feed in quarantine.feeds:
        assert any(after - before < WINDOW for before, after in pairwise(seen[feed]))


@pytest.mark.usefixtures("no_leaks")
def test_the_box() -> None:
    """What the process writes the server reads, seats are used again, and too many feeds harm nothing."""
    ours = BlackBox()
    theirs = BlackBox(ours.fileno())
    first, second = theirs.seat("thony"), theirs.seat("लोक.slides")
    with first.picture, second.sound:
        assert ours.inside() == {"thony", "लोक.slides"}
    assert ours.inside() == set()
    first.free()
    seats = [theirs.seat(f"feed-{n}") for n in range(SEATS + 5)]
    for seat in seats:
        seat.picture.__enter__()
    assert len(ours.inside()) == SEATS - 2
    theirs.close()
    ours.close()
    ours.close()
    assert ours.inside() == set()


async def test_the_mixer_goes_on_without_it(studio: Studio) -> None:
    """Two crashes in the same feed's decoder: it gets no frames of that feed, until it is published anew."""
    told: list[str] = []
    studio.mixer.on_quarantine = told.append
    studio.play("good", camera(RED), microphone())
    studio.mixer.stage(["good", "evil"])
    await studio.show(Scene(Layout.FULL, (Source("good"),)), "t")
    for crash in range(2):
        await studio.until(lambda n=crash: studio.mixer.state == "up" and studio.mixer.restarts == n)
        process = studio.mixer._air
        assert process is not None
        assert process.pid is not None
        process._box.seat("evil").picture.__enter__()  # as it is in the middle of decoding
        os.kill(process.pid, signal.SIGSEGV)
        await studio.until(lambda died=process: died.suspects)
    await studio.until(lambda: "evil" in told)
    studio.play("evil", camera(BLUE))

    def decoded(feed: str) -> float:
        """Pictures a second, in the last second that the process has told of."""
        return float(studio.mixer.stats()["sources"].get(feed, {}).get("fps", 0.0))

    await studio.until(lambda: studio.mixer.state == "up" and decoded("good") > 0)
    assert decoded("evil") == 0
    studio.mixer.quarantine.readmit("evil")
    await studio.until(lambda: decoded("evil") > 0)
