"""What each listener hears in the ear: the programme less themselves, and talkback over it.

A return is mixed from what the sources added to the programme, so levels and cuts are the programme's own;
but a feed that is left out never was in it. Talkback feeds have sources of their own, that no scene can
name: a producer's private word cannot reach the programme.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from broadcast.mixer.encoder import SoundEncoder
from broadcast.mixer.limiter import Limiter
from broadcast.mixer.mixdown import Channel, Fade
from broadcast.mixer.scene import Return
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.sound import BLOCK, Samples
from broadcast.mixer.source import Source

SWITCH = 0.02  # seconds of a fade when a return changes
DUCK, LIFT = 0.06, 0.4  # seconds in which the programme goes down under talkback, and comes up again
SPEECH = 10 ** (-45 / 20)  # RMS of a block in which somebody speaks
PAUSE = 35  # blocks without speech after which the programme comes up, 0.7 s


class Ears:
    """All returns in use. `say` is for the thread that reads the pipe, `packets` for the tick of sound."""

    def __init__(self, settings: ProgrammeSettings, source: Callable[[str], Source]) -> None:
        self.voices: dict[str, Source] = {}  # talkback; replaced as a whole, so the tick needs no lock
        self._settings = settings
        self._source = source
        self._ears: dict[str, Ear] = {}  # replaced as a whole, too
        self._talkback: dict[str, Talker] = {}

    def say(self, returns: Mapping[str, Return]) -> None:
        """These returns from now on, and no others."""
        feeds = dict.fromkeys(feed for each in returns.values() for feed in each.talkback)
        gone = [voice for feed, voice in self.voices.items() if feed not in feeds]
        self.voices = {feed: self.voices.get(feed) or self._source(feed) for feed in feeds}
        ears = {}
        for person, each in returns.items():
            ears[person] = self._ears.get(person) or Ear(self._settings)
            ears[person].wanted = each
        self._ears = ears
        for voice in gone:
            voice.close()

    def packets(self, now: float, number: int, parts: Mapping[str, Samples]) -> Iterator[tuple[str, bytes]]:
        """For each listener the `number`th packet, 20 ms from `now`. `parts`: the programme, feed by feed."""
        ears = self._ears
        if not ears:
            self._talkback.clear()
            return
        heard = {feed: _mono(part) for feed, part in parts.items()}
        talk = self._talk(now)
        for person, ear in ears.items():
            yield person, ear.packet(number, heard, talk)

    def _talk(self, now: float) -> dict[str, tuple[Samples, bool]]:
        voices = self.voices
        found = {}
        for feed, voice in voices.items():
            talker = self._talkback.get(feed)
            if talker is None or talker.voice is not voice:
                talker = self._talkback[feed] = Talker(voice)
            found[feed] = talker.block(now)
        self._talkback = {feed: self._talkback[feed] for feed in voices}
        return found


class Talker:
    """A producer's voice, and whether they speak."""

    def __init__(self, voice: Source) -> None:
        self.voice = voice
        self._channel = Channel(voice)
        self._quiet = PAUSE

    def block(self, now: float) -> tuple[Samples, bool]:
        """The voice of the next 20 ms in mono, and whether they are speaking; short pauses count as that."""
        self.voice.settle(now)
        part = self._channel.block(now, 1.0, SWITCH)
        assert part is not None, "its gain is 1"
        sound = _mono(part)
        loud = float(np.square(sound).mean()) > SPEECH**2
        self._quiet = 0 if loud else self._quiet + 1
        return sound, self._quiet < PAUSE


class Ear:
    """One return: its fades, its limiter, its encoder. Whoever changes `wanted` replaces it as a whole."""

    def __init__(self, settings: ProgrammeSettings) -> None:
        self.wanted = Return()
        self._ducked = float(10 ** (-settings.duck_db / 20))
        self._fades: dict[str, Fade] = {}
        self._duck = Fade(1.0)
        self._limiter = Limiter(settings.ceiling_dbtp, channels=1)
        self._encoder = SoundEncoder(settings.return_kbps, channels=1)

    def packet(
        self, number: int, heard: Mapping[str, Samples], talk: Mapping[str, tuple[Samples, bool]]
    ) -> bytes:
        """The next 20 ms. Raises MediaError."""
        return self._encoder.encode(self._limiter.process(self.mix(heard, talk)), number)

    def mix(self, heard: Mapping[str, Samples], talk: Mapping[str, tuple[Samples, bool]]) -> Samples:
        """The next 20 ms before the limiter, shape (1, 960)."""
        wanted = self.wanted
        programme = np.zeros((1, BLOCK), np.float32)
        over = np.zeros((1, BLOCK), np.float32)
        fades = {}
        for feed, part in heard.items():
            # What begins is faded in the programme already; here only what changes while it is heard is.
            goal = 0.0 if feed in wanted.minus else 1.0
            fade = fades[feed] = self._fades.get(feed) or Fade(goal)
            _add(programme, part, fade, goal)
        for feed, (part, _) in talk.items():
            fade = fades[feed] = self._fades.get(feed) or Fade()
            _add(over, part, fade, 1.0 if feed in wanted.talkback else 0.0)
        self._fades = fades
        spoken = any(talk[feed][1] for feed in wanted.talkback if feed in talk)
        ducked = self._duck.block(self._ducked if spoken else 1.0, DUCK if spoken else LIFT)
        return programme * ducked + over


def _add(mix: Samples, part: Samples, fade: Fade, goal: float) -> None:
    if fade.silent and goal == 0:
        return
    mix += part * fade.block(goal, SWITCH)


def _mono(samples: Samples) -> Samples:
    return (0.5 * (samples[:1] + samples[1:])).astype(np.float32)
