"""Targets: they come, are switched and go; they outlive a restart, and nobody is shown a key."""

import json
from dataclasses import replace

import pytest

from signaling.aiming import MAX_TARGETS
from signaling.director import Director
from signaling.event import Role
from signaling.messages import parse
from signaling.orders import AddTarget, RemoveTarget, StartTarget, StopTarget
from signaling.records import decode, encode
from signaling.refusal import Refused
from signaling.show import Show
from signaling.views import common_state
from tests.signaling.stagehand import EVENT, PING, FakeStage, at

KEY = "live_9f3a_secret"
ADD = AddTarget("add", "Stage TV", f"rtmp://host/live/{KEY}", on=True)


def show() -> Show:
    return Show(EVENT, FakeStage(), at(0).wall)


def names(of: Show) -> dict[str, bool]:
    return {target.id: target.on for target in of.state.targets}


def test_added_switched_removed() -> None:
    """A target that was typed in is there and on; it is stopped, started and removed."""
    here = show()
    here.command(PING, ADD, at(0))
    added = here.state.targets[-1]
    assert (added.name, added.on, added.fixed) == ("Stage TV", True, False)
    here.command(PING, StopTarget("stop", added.id), at(1))
    assert names(here) == {"tube": False, added.id: False}
    here.command(PING, StartTarget("start", added.id), at(2))
    assert names(here) == {"tube": False, added.id: True}
    here.command(PING, RemoveTarget("away", added.id), at(3))
    assert names(here) == {"tube": False}


def test_the_journal_brings_them_back() -> None:
    """After a restart the same targets are on, with their secrets, but those that the config has no more."""
    here = show()
    here.command(PING, ADD, at(0))
    here.command(PING, StartTarget("start", "tube"), at(1))
    records, _ = here.collect()
    again = [replace(record, facts=decode(encode(record.facts))) for record in records]
    back = show()
    assert back.replay(again, 0.0) == 0
    assert back.state.targets == here.state.targets
    assert back.state.targets[-1].url.endswith(KEY)
    other = Show(replace(EVENT, targets=()), FakeStage(), at(0).wall)
    assert other.replay(again, 0.0) == 1, "the switch of the one that has gone"
    assert other.state.revision == back.state.revision, "tokens and cues are named by it, none may come twice"


def test_the_stage_is_told() -> None:
    """The media side gets exactly the targets that are on, and only when that changes."""
    here, stage = show(), FakeStage()
    director = Director(stage)
    director.direct(here.state)
    assert stage.targets == ()
    here.command(PING, StartTarget("start", "tube"), at(1))
    director.direct(here.state)
    assert [target.id for target in stage.targets] == ["tube"]


def test_too_many() -> None:
    """There is a bound."""
    here = show()
    for number in range(MAX_TARGETS - 1):
        here.command(PING, replace(ADD, id=f"add-{number}"), at(0))
    assert len(here.state.targets) == MAX_TARGETS
    here.command(PING, replace(ADD, id="more"), at(0))
    answer = here.answers.answer(PING.id, "more")
    assert answer is not None
    assert answer.error is not None
    assert answer.error["code"] == "targets_full"


@pytest.mark.parametrize("role", list(Role))
def test_no_key_is_shown(role: Role) -> None:
    """Neither the state of any role, nor what a log would show, nor the journal's command holds a key."""
    here = show()
    here.command(PING, ADD, at(0))
    records, _ = here.collect()
    seen = json.dumps(common_state(here.state, role, 0.0))
    logged = f"{ADD} {records} {here.state} {[record.command for record in records]}"
    assert KEY not in seen
    assert KEY not in logged
    assert ("targets" in seen) is (role is Role.PRODUCER)


def test_a_refusal_repeats_no_key() -> None:
    """Whatever is wrong with a message or a target, the answer does not hold what was typed in."""
    here = show()
    here.command(PING, replace(ADD, url=f"nowhere/{KEY}"), at(0))
    answer = here.answers.answer(PING.id, "add")
    assert answer is not None
    assert KEY not in json.dumps(answer.error)
    for field in ("url", "key"):
        message = {"type": "target", "id": "a", "do": "add", "name": "T", "url": "u", field: KEY * 200}
        with pytest.raises(Refused) as refused:
            parse(json.dumps(message))
        assert KEY not in str(refused.value.as_json())
