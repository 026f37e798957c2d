"""With which arguments each thing may happen to a `World` (world.py): for random and hypothesis."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from signaling.event import LAYOUTS
from tests.signaling.stagehand import EVENT, LANVIN, PIA, PING, SPEAKERS, THONY, VERMAST, VIEWER
from tests.signaling.world import START

_ANYBODY = [PING, PIA, *SPEAKERS]
_OFTEN_PRODUCERS = [PING, PIA, PING, PIA, THONY]
_PRODUCERS = [PING, PIA]
_TALKS = [*(talk.id for talk in EVENT.talks), "more", "nosuch"]
_FEEDS = ["thony", "lanvin", "vermast", "lanvin.slides", "thony.slides", "clip.film"]
_BOTH = [True, False]
_AGES = [None, None, None, -2, 0, 1, 3, 9]
_PEOPLE = ["thony", "lanvin", "vermast", "ping", "nosuch"]

ACTIONS: Mapping[str, Mapping[str, Sequence[Any]]] = MappingProxyType({
    "comes": {"person": _ANYBODY},
    "leaves": {"person": _ANYBODY},
    "feed_comes": {"feed": _FEEDS},
    "feed_dies": {"feed": _FEEDS, "noticed": _BOTH},
    "clip_ends": {"clip": ["film", "film", "trailer"]},
    "mixer_crashes_or_returns": {"up": _BOTH},
    "mixer_obeys": {},
    "mixer_speaks_of_an_old_picture": {"back": range(1, 31)},
    "time_passes": {"seconds": [0.01, 0.05, 0.2, 0.5, 1.0, 3.0]},
    "says_ready": {"person": _ANYBODY, "who": [None, "thony", "lanvin", "nosuch"], "ready": _BOTH},
    "cues": {"person": _ANYBODY, "talk": [None, *_TALKS], "force": _BOTH, "age": _AGES},
    "takes": {
        "person": _ANYBODY,
        "talk": [None, *_TALKS],
        "force": _BOTH,
        "transition": ["cut", "dissolve"],
        "age": _AGES,
    },
    "takes_as_rehearsed": {"producer": _PRODUCERS, "talk": _TALKS},
    "slates": {"person": _ANYBODY, "title": [None, "Lunch"], "hold": _BOTH},
    "changes_scene": {"person": _ANYBODY, "layout": LAYOUTS},
    "passes_the_floor": {"person": [THONY, LANVIN, VERMAST, PING]},
    "moves": {"person": _OFTEN_PRODUCERS, "talk": _TALKS, "before": [None, *_TALKS]},
    "adds": {
        "person": _OFTEN_PRODUCERS,
        "who": ["thony", "film", "nosuch"],
        "talk": [None, "more", "one"],
        "before": [None, *_TALKS],
        "automatic": _BOTH,
    },
    "skips": {"person": _OFTEN_PRODUCERS, "talk": _TALKS, "skip": _BOTH},
    "extends": {"person": _OFTEN_PRODUCERS, "talk": _TALKS, "minutes": [5.0, -5.0, -100.0]},
    "retimes": {
        "person": _OFTEN_PRODUCERS,
        "talk": _TALKS,
        "start": [None, START, START + 7200],
        "age": _AGES,
    },
    "rewrites": {"person": _OFTEN_PRODUCERS, "talk": _TALKS, "word": ["Anew", "Panel"]},
    "redraws": {"person": _OFTEN_PRODUCERS, "talk": _TALKS, "layout": LAYOUTS, "automatic": _BOTH},
    "levels": {
        "person": _OFTEN_PRODUCERS,
        "who": _PEOPLE,
        "gain_db": [None, 0.0, -6.0],
        "muted": [None, True, False],
    },
    "talks_back": {
        "person": _OFTEN_PRODUCERS,
        "on": _BOTH,
        "to": [None, ("thony",), ("thony", "lanvin"), ("nosuch",)],
    },
    "sends_text": {"person": _OFTEN_PRODUCERS, "to": ["stage", "all", ("thony",), ("ping",)]},
    "acknowledges": {"person": _ANYBODY, "back": [1, 2, 31]},
    "removes": {"person": _OFTEN_PRODUCERS, "who": _PEOPLE},
    "admits": {"person": _PRODUCERS, "who": _PEOPLE},
    "repeats_an_old_command": {"back": range(1, 21)},
    "reuses_an_id": {"back": range(1, 21)},
    "killed_and_restarted": {},
    "somebody_connects": {"person": [None, PING, THONY, VIEWER]},
})  # fmt: skip
