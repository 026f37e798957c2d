"""The stage: talks, people and levels become scenes, returns and frames for the mixer."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from broadcast.feeds.clip import ClipFeed
from broadcast.feeds.feed import Feed
from broadcast.feeds.registry import Feeds
from broadcast.mixer.quarantine import Quarantine
from broadcast.mixer.scene import Layout, Return, Scene
from broadcast.mixer.sights import Sights
from broadcast.rtp.frame import Codec, Frame
from broadcast.stage import Stage
from signaling.desk import Level
from signaling.event import Person, Slate, Talk

THONY, LANVIN, VERMAST = (Person(name, name.title(), "speaker") for name in ("thony", "lanvin", "vermast"))
SOLO = Talk("solo", "Solo", ("thony",))
SLIDES = Talk("slides", "Slides", ("thony",), "pip")
PANEL = Talk("panel", "Panel", ("thony", "lanvin", "vermast"), "grid")
FILM = Talk("film", "Film", clip="film")
SLATE = Slate("Soon")


class Mixer:
    """What the stage asks of the mixer, written down."""

    state = "up"

    def __init__(self) -> None:
        self.scenes: list[tuple[Scene, str]] = []
        self.heard: Mapping[str, Return] = {}
        self.staged: frozenset[str] = frozenset()
        self.frames: list[str] = []
        self.quarantine = Quarantine()
        self.sights = Sights()
        self.sources: dict[str, dict[str, Any]] = {}

    def stage(self, feeds: Iterable[str]) -> None:
        self.staged = frozenset(feeds)

    def prepare(self, scene: Scene) -> None:
        pass

    def show(self, scene: Scene, token: str, transition: str = "cut") -> None:
        self.scenes.append((scene, token))

    def returns(self, returns: Mapping[str, Return]) -> None:
        self.heard = returns

    def frame(self, feed_id: str, frame: Frame) -> None:
        self.frames.append(feed_id)

    def stats(self) -> dict[str, Any]:
        return {"sources": self.sources}


class Clip(ClipFeed):
    """A clip that plays in the mind alone."""

    def __init__(self) -> None:
        super().__init__("clip.film", Path("film.mp4"), False, Path())
        self.did: list[str] = []
        self.at = 0.0  # where it was last begun

    @property
    def playing(self) -> bool:
        return bool(self.did) and self.did[-1] in ("cue", "play")

    def cue(self) -> None:
        self.did.append("cue")

    def play(self, at: float = 0.0) -> None:
        self.did.append("play")
        self.at = at

    def stop(self) -> None:
        self.did.append("stop")


class Theatre:
    """A stage with everything around it."""

    def __init__(self) -> None:
        self.feeds = Feeds()
        self.mixer = Mixer()
        self.clip = Clip()
        mixer: Any = self.mixer
        self.stage = Stage(
            self.feeds, mixer, {self.clip.id: self.clip}, (THONY, LANVIN, VERMAST), dead_after=0.4
        )
        self.feeds.on_added = self.stage.feed_added
        self.feeds.on_removed = lambda feed, reason: self.stage.feed_removed(feed)

    def up(self, *feeds: str) -> None:
        for feed in feeds:
            owner, _, kind = feed.partition(".")
            self.feeds.add(Feed(feed, owner=owner, kind=kind or "camera"))

    def sends(self, feed_id: str) -> None:
        """A picture comes from this feed now."""
        now = time.monotonic()
        feed = self.feeds.get(feed_id)
        assert feed is not None
        feed.emit(Frame(Codec.VP8, b"\x00" * 10, 0, now), now)

    def seen(self, talk: Talk, **ages: float | None) -> None:
        """The talk is staged, and the mixer has pictures of these ages."""
        self.stage.stage([talk])
        self.mixer.sights.say(ages)

    def drawn(
        self,
        talk: Talk,
        layout: str = "",
        lost: tuple[str, ...] = (),
        airing: str = "1",
        since: float | None = None,
    ) -> tuple[Layout, tuple[str, ...]]:
        self.stage.show_talk("1", talk, layout or talk.layout, (), "cut", lost, airing, since)
        scene, _ = self.mixer.scenes[-1]
        return scene.layout, tuple(source.feed for source in scene.pictures)


@pytest.fixture
def theatre() -> Theatre:
    return Theatre()


def test_scenes(theatre: Theatre) -> None:
    """Each layout with the pictures that there are."""
    assert theatre.drawn(SOLO) == (Layout.FULL, ("thony",))
    assert theatre.drawn(SLIDES) == (Layout.FULL, ("thony",))
    assert theatre.drawn(PANEL) == (Layout.GRID, ("thony", "lanvin", "vermast"))
    theatre.up("thony.slides")
    assert theatre.drawn(SLIDES) == (Layout.PIP, ("thony.slides", "thony"))
    assert theatre.drawn(SLIDES, "full") == (Layout.FULL, ("thony",))


def test_scenes_without_the_lost(theatre: Theatre) -> None:
    """Who is lost is not drawn: the others fill the picture, then the slides alone."""
    theatre.up("thony.slides")
    assert theatre.drawn(PANEL, lost=("lanvin",)) == (Layout.GRID, ("thony", "vermast"))
    assert theatre.drawn(PANEL, "side", lost=("lanvin",)) == (Layout.SIDE, ("thony", "vermast"))
    assert theatre.drawn(PANEL, lost=("lanvin", "thony")) == (Layout.FULL, ("vermast",))
    assert theatre.drawn(SLIDES, lost=("thony",)) == (Layout.FULL, ("thony.slides",))
    assert theatre.drawn(SLIDES, lost=("thony.slides",)) == (Layout.FULL, ("thony",))
    assert theatre.drawn(SOLO, lost=("thony",)) == (Layout.FULL, ("thony.slides",))
    assert theatre.drawn(PANEL, lost=("lanvin", "thony", "vermast", "thony.slides")) == (Layout.SLATE, ())


def test_who_is_lost_is_heard(theatre: Theatre) -> None:
    """A dead picture takes no voice away, on a panel as beside slides; but over the slate nobody speaks."""
    theatre.up("thony.slides")

    def heard() -> list[tuple[str, bool]]:
        scene, _ = theatre.mixer.scenes[-1]
        return [(source.feed, source.drawn) for source in scene.sources if source.sound]

    theatre.drawn(PANEL, lost=("lanvin",))
    assert heard() == [("thony", True), ("vermast", True), ("lanvin", False)]
    theatre.drawn(SLIDES, lost=("thony",))
    assert heard() == [("thony.slides", True), ("thony", False)]
    theatre.stage.levels({"thony": Level(muted=True)})
    assert theatre.mixer.scenes[-1][0].sources[1].gain == 0.0
    theatre.drawn(SLIDES)
    assert heard() == [("thony.slides", True), ("thony", True)]
    theatre.drawn(PANEL, lost=("lanvin", "thony", "vermast", "thony.slides"))
    assert heard() == []


def test_slides_come_and_go_on_air(theatre: Theatre) -> None:
    """A shared screen changes the picture at once, under the token that the desk knows."""
    theatre.drawn(SLIDES)
    theatre.up("thony.slides")
    assert [source.feed for source in theatre.mixer.scenes[-1][0].sources] == ["thony.slides", "thony"]
    assert theatre.mixer.scenes[-1][1] == "1"


class Line(Feed):
    """A feed whose last sign of life is `quiet` seconds old."""

    quiet = 0.0

    def silence(self, now: float) -> float:
        return self.quiet


def test_still_slides(theatre: Theatre) -> None:
    """A shared screen that does not change is there; one whose line has gone is missing."""
    theatre.seen(SLIDES, **{"thony.slides": 5.0})
    screen = Line("thony.slides", owner="thony", kind="slides")
    theatre.feeds.add(screen)
    assert theatre.stage.missing(SLIDES) == ["thony", "thony.slides"], "no picture yet"
    now = time.monotonic()
    screen.emit(Frame(Codec.VP8, b"\x00" * 10, 0, now - 5), now - 5)
    assert theatre.stage.missing(SLIDES) == ["thony"]
    screen.quiet = 3.0
    assert theatre.stage.missing(SLIDES) == ["thony", "thony.slides"]


def test_a_line_that_breaks_takes_the_slides_along(theatre: Theatre) -> None:
    """Camera and slides are missing together; where the slides still give a sign, they stand alone."""
    theatre.seen(SLIDES, **{"thony.slides": 5.0})
    now = time.monotonic()
    camera = Line("thony", owner="thony", kind="camera")
    screen = Line("thony.slides", owner="thony", kind="slides")
    for feed in (camera, screen):
        theatre.feeds.add(feed)
    camera.emit(Frame(Codec.VP8, b"\x00" * 10, 0, now - 60), now - 60)
    screen.emit(Frame(Codec.VP8, b"\x00" * 10, 0, now - 5), now - 5)

    def missing(camera_quiet: float, slides_quiet: float) -> list[str]:
        camera.quiet, screen.quiet = camera_quiet, slides_quiet
        return theatre.stage.missing(SLIDES)

    assert missing(60, 1.0) == ["thony"], "the slides have been heard of since"
    assert missing(60, 60) == ["thony", "thony.slides"]
    assert missing(1.0, 1.5) == ["thony"], "it had sent no picture anyway, only reports"
    now = time.monotonic()
    camera.emit(Frame(Codec.OPUS, b"voice", 0, now - 1), now - 1)
    assert missing(1.0, 1.5) == ["thony", "thony.slides"], "it was sending until a second ago"
    assert missing(0.02, 1.5) == ["thony"], "the camera has died, not the line"
    theatre.feeds.remove("thony")
    assert missing(1.0, 1.5) == ["thony"], "nobody can tell"


def test_what_cannot_be_decoded_is_missing(theatre: Theatre) -> None:
    """A feed that sends, and of which the mixer has no picture: missing, not silent; and producers read why
    from the second report on, for a feed that was staged a moment ago needs its time."""
    theatre.up("thony")
    theatre.sends("thony")
    assert theatre.stage.missing(SOLO) == ["thony"], "nobody looks at what is not staged"
    assert theatre.stage.silent(SOLO) == []
    for age, missing in ((0.0, []), (0.3, []), (0.6, ["thony"]), (None, ["thony"])):
        theatre.seen(SOLO, thony=age)
        assert theatre.stage.missing(SOLO) == missing
        assert theatre.stage.silent(SOLO) == []
    assert "decoded" not in theatre.stage.health()["feeds"][0]["why"]
    told = theatre.stage.health()["feeds"][0]
    assert (told["verdict"], told["why"]) == ("dead", "its pictures cannot be decoded")
    theatre.seen(SOLO, thony=0.0)
    assert theatre.stage.health()["feeds"][0]["verdict"] != "dead"


def test_a_feed_in_quarantine(theatre: Theatre) -> None:
    """It counts as missing, producers read why, and what is published anew is let in."""
    theatre.up("thony")
    theatre.sends("thony")
    theatre.seen(SOLO, thony=0.0)
    assert theatre.stage.missing(SOLO) == []
    for _ in range(2):
        theatre.mixer.quarantine.died({"thony"}, 0.0)
    assert theatre.stage.missing(SOLO) == ["thony"]
    health = theatre.stage.health()["feeds"][0]
    assert (health["verdict"], "crashed" in health["why"]) == ("dead", True)
    theatre.up("thony")
    assert not theatre.mixer.quarantine.feeds


def test_a_feed_whose_sound_has_gaps(theatre: Theatre) -> None:
    """What only the mixer notices is told with the feed's health, and makes a good feed a poor one."""
    theatre.up("thony")
    camera = theatre.feeds.get("thony")
    assert camera is not None
    now = time.monotonic()
    for codec in (Codec.VP8, Codec.OPUS):
        camera.emit(Frame(codec, b"\x00" * 10, 0, now), now)
    verdicts = []
    for share in (None, 0.0, 0.02, 0.04):
        theatre.mixer.sources["thony"] = {"lufs": -23.0, "gain_db": 0.0, "missing": share}
        health = theatre.stage.health()["feeds"][0]
        assert health["missing"] == share
        verdicts.append((health["verdict"], health["why"]))
    assert verdicts == [("good", "")] * 3 + [("poor", "the sound has gaps")]


def test_levels(theatre: Theatre) -> None:
    """A level is heard at once; the mute of a person mutes the sound of their screen as well."""
    theatre.up("thony.slides")
    theatre.drawn(SLIDES)
    theatre.stage.levels({"thony": Level(-20.0)})
    assert [source.gain for source in theatre.mixer.scenes[-1][0].sources] == pytest.approx([0.1, 0.1])
    theatre.stage.levels({"thony": Level(6.0, muted=True)})
    assert [source.gain for source in theatre.mixer.scenes[-1][0].sources] == [0.0, 0.0]
    theatre.stage.show_slate("2", SLATE)
    shown = len(theatre.mixer.scenes)
    theatre.stage.levels({})
    assert len(theatre.mixer.scenes) == shown, "nobody is on air"


def test_ears(theatre: Theatre) -> None:
    """Nobody hears themselves; a producer's voice reaches the mixer while somebody is to hear it."""
    theatre.stage.ears({"thony": (), "lanvin": ("ping",)})
    assert theatre.mixer.heard == {
        "thony": Return(frozenset({"thony", "thony.slides"})),
        "lanvin": Return(frozenset({"lanvin", "lanvin.slides"}), ("ping.talkback",)),
    }
    theatre.up("ping.talkback")
    voice = theatre.feeds.get("ping.talkback")
    assert voice is not None
    voice.emit(Frame(Codec.OPUS, b"voice", 0, 0.0), 0.0)
    assert theatre.mixer.frames == ["ping.talkback"]
    theatre.stage.ears({"thony": (), "lanvin": ()})
    voice.emit(Frame(Codec.OPUS, b"voice", 960, 0.02), 0.02)
    assert theatre.mixer.frames == ["ping.talkback"]


def test_who_is_out_sends_nothing(theatre: Theatre) -> None:
    """The feeds of a removed person are closed, and so is one that was on its way."""
    theatre.up("thony", "thony.slides", "lanvin")
    told: list[frozenset[str]] = []
    theatre.stage.on_barred = told.append
    theatre.stage.bar(frozenset({"thony"}))
    assert [feed.id for feed in theatre.feeds] == ["lanvin"]
    assert told == [{"thony"}]
    theatre.up("thony")
    assert [feed.id for feed in theatre.feeds] == ["lanvin"]
    theatre.stage.bar(frozenset())
    theatre.up("thony")
    assert theatre.feeds.get("thony") is not None


def test_a_clip_plays_once(theatre: Theatre) -> None:
    """Cued it stands, taken it plays from the start, and shown anew it plays on."""
    theatre.stage.stage([FILM])
    assert theatre.clip.did == ["cue"]
    theatre.drawn(FILM)
    assert theatre.clip.did == ["cue", "play"]
    theatre.drawn(FILM)
    assert theatre.clip.did == ["cue", "play"]
    theatre.drawn(SOLO, airing="2")
    theatre.drawn(FILM)
    assert theatre.clip.did == ["cue", "play"], "a hand-off that was aborted does not start it again"
    theatre.stage.show_slate("3", SLATE)
    theatre.drawn(FILM, airing="4")
    assert theatre.clip.did == ["cue", "play", "play"], "taken again it starts again"
    theatre.stage.stage([])
    assert theatre.clip.did[-1] == "stop"


def test_a_clip_goes_on_after_a_restart(theatre: Theatre) -> None:
    """It has been on air for twelve seconds: it plays from there, also when it is prepared only later."""
    theatre.drawn(FILM, since=time.time() - 12)
    assert theatre.clip.at == pytest.approx(12, abs=0.5)
    theatre.drawn(FILM, airing="2", since=time.time() + 5)
    assert theatre.clip.at == 0.0, "a clock that was set back"
    theatre.drawn(FILM, airing="3")
    assert theatre.clip.at == 0.0, "it is taken now"


def test_a_clip_that_is_not_there(theatre: Theatre) -> None:
    """A talk whose clip could not be prepared is its label, and never ready."""
    film = Talk("other", "Other", clip="other")
    assert theatre.drawn(film) == (Layout.FULL, ("clip.other",))
    assert theatre.stage.missing(film) == ["clip.other"]
