"""A new process with the same journal: what is on air, what is answered, and what no longer fits."""

from dataclasses import replace

import pytest

from signaling.facts import Counted
from signaling.handoff import Phase
from signaling.orders import Take
from signaling.records import Record, decode, encode
from tests.signaling.rehearsal import Rehearsal
from tests.signaling.stagehand import EVENT, THONY, at


@pytest.mark.parametrize(("with_force", "seen"), [(False, True), (True, True), (True, False)])
def test_restart_with_a_talk_whose_speaker_never_returns(with_force: bool, seen: bool) -> None:
    """After a restart the talk is on air again for ten seconds; then the slate, unless it was taken by force
    and has had no picture ever since: then its card is what the producer wanted."""
    show = Rehearsal()
    if with_force:
        show.do(Take("t", "one", force=True))
        show.wait(1.1)
        show.shown()
    else:
        show.on_air("one")
    if seen:
        show.stage.fresh.add("thony")
        show.wait(0.1)
    show.stage.fresh.clear()
    show.restart()
    assert show.air == "one"
    show.wait(9.9)
    assert show.air == "one"
    show.wait(0.3)
    assert show.air == (None if seen else "one")


def test_restart_during_prepare_and_commit() -> None:
    """What was only prepared is aborted; what was committed goes on, and its command is answered."""
    show = Rehearsal()
    show.on_air("film")
    show.do(Take("t", "one", force=True))
    assert show.phase is Phase.PREPARE
    show.restart()
    assert show.phase is None
    assert show.do(Take("t", "one", force=True)) == "restarted"
    show.do(Take("u", "one", force=True))
    show.wait(1.1)
    assert show.phase is Phase.COMMIT
    show.restart()
    assert show.phase is Phase.COMMIT
    assert show.show.state.floor.picture.talk == "one"
    show.wait(5)
    show.shown()
    assert show.air == "one"
    assert show.do(Take("u", "one", force=True)) is None


def test_after_lost_lines_no_name_is_given_twice() -> None:
    """What a damaged journal has kept may name later pictures than its lines make up: new ones come after."""
    show = Rehearsal()
    for number in range(40):
        show.show.came("lanvin", at(number))
        show.show.left("lanvin", at(number))
    show.on_air("one")
    before = show.show.state
    del show.records[:60]
    assert show.restart() == 0
    assert show.air == "one"
    assert show.show.state.floor.air.token == before.floor.air.token
    assert int(show.show.state.next_token) > int(before.floor.air.token)


def test_restart_with_another_config() -> None:
    """Talks and people gone from the config are left out; a talk on air that is gone is the slate."""
    show = Rehearsal()
    show.on_air("film")
    show.on_air("one")
    smaller = replace(EVENT, talks=EVENT.talks[1:], people=tuple(p for p in EVENT.people if p != THONY))
    assert show.restart(smaller) > 0
    assert show.air is None
    film = show.show.state.rundown.item("film")
    assert film is not None
    assert show.show.state.rundown.is_over(film)


def test_the_audience_is_not_journalled() -> None:
    """Counted anew after a restart; in an old journal a count is a revision, for the tokens that follow."""
    show = Rehearsal()
    show.on_air("one")
    revision, lines = show.show.state.revision, len(show.records)
    show.show.audience(30, 2)
    show.collect()
    assert (show.show.state.viewers, show.show.state.screens) == (30, 2)
    assert (show.show.state.revision, len(show.records)) == (revision, lines)
    show.records += [Record(at(show.now).wall, decode(encode([Counted(7, 1)])))] * 5
    assert show.restart() == 0
    assert show.show.state.viewers == 0
    assert show.show.state.revision == revision + 5 + 1
    assert show.air == "one"
