"""(P) What the programme shows and sounds like: a scene, as plain data, and where each picture goes.

A `Scene` crosses the pipe to the mixer as JSON (`to_json`, `from_json`) and is drawn there, frame after
frame, until the next one is shown.
"""

from dataclasses import dataclass
from enum import StrEnum


class Layout(StrEnum):
    """How the pictures of a scene are placed."""

    FULL = "full"  # one picture, the whole frame
    PIP = "pip"  # slides large, the speaker small: pictures = (slides, speaker)
    SIDE = "side"  # two pictures side by side
    GRID = "grid"  # one to six pictures
    SLATE = "slate"  # no picture: the card alone


@dataclass(frozen=True, slots=True)
class Source:
    """One feed in a scene. `label` is drawn in its place while it has no picture yet."""

    feed: str
    label: str = ""
    gain: float = 1.0  # 0 is silent, 1 as it comes
    sound: bool = True


@dataclass(frozen=True, slots=True)
class Strip:
    """A lower third: who speaks (`name`), as what and from where (`detail`), and on what (`title`)."""

    name: str
    detail: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """The slate: `until` is the end of the countdown in Unix seconds, or None for no countdown."""

    title: str
    message: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What is on the programme. The slate is a scene without sources; `card` is also drawn by every
    other layout when none of its sources has a picture."""

    layout: Layout
    sources: tuple[Source, ...] = ()
    strip: Strip | None = None
    card: Card | None = None
