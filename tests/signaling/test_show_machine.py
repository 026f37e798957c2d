"""Random shows: the promises hold in all sequences of commands, deaths, returns and restarts.

Twice: thousands of sequences by a plain generator, each with a number of its own, so that a failure can be
played again; and some by hypothesis, which shortens a failure to the few steps that matter. (It remembers the
tree of all that it has tried: ten thousand of these would cost it a gigabyte.)
"""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.signaling.actions import ACTIONS
from tests.signaling.world import World

SEQUENCES = int(os.environ.get("PAVILION_SEQUENCES", "10000"))
BATCHES = 20
EXAMPLES = max(1, SEQUENCES // 100)
STEPS = (5, 60)  # of one sequence: most faults need few, some many


def play(number: int) -> None:
    """The sequence with this number; the same each time."""
    dice = random.Random(number)
    world = World()
    for step in range(dice.randint(*STEPS)):
        name = dice.choice(_NAMES)
        arguments = {key: dice.choice(choices) for key, choices in ACTIONS[name].items()}
        try:
            getattr(world, name)(**arguments)
            world.check()
        except Exception as error:
            error.add_note(f"sequence {number}, step {step}: {name} {arguments}")
            raise


_OFTEN = {  # so that most shows get somewhere, and things go wrong on air
    "time_passes": 8,
    "takes_as_rehearsed": 6,
    "feed_dies": 5,
    "feed_comes": 4,
    "mixer_obeys": 3,
    "clip_ends": 2,
    "passes_the_floor": 2,
}
_NAMES = [name for name in ACTIONS for _ in range(_OFTEN.get(name, 1))]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_many_short_shows(batch: int) -> None:
    """What must hold holds after every step of each sequence; to see one again: `play(number)`."""
    for number in range(batch, SEQUENCES, BATCHES):
        play(number)


class Shows(RuleBasedStateMachine):
    """The same world, driven by hypothesis."""

    @initialize()
    def begin(self) -> None:
        self.world = World()

    @invariant()
    def holds(self) -> None:
        self.world.check()


def _rule_of(name: str) -> Callable[..., None]:
    def act(self: Any, **arguments: Any) -> None:
        getattr(self.world, name)(**arguments)

    act.__name__ = name
    strategies = {key: st.sampled_from(choices) for key, choices in ACTIONS[name].items()}
    decorated: Callable[..., None] = rule(**strategies)(act)
    return decorated


for _name in ACTIONS:
    setattr(Shows, _name, _rule_of(_name))

TestShows = Shows.TestCase
TestShows.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
