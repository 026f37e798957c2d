"""(P) What is played where sound is missing: the last sound goes on, and dies away.

A packet that is lost, or late because somebody's line or computer stood still for a moment, would otherwise
be a hole in the programme. Speech hardly changes in 20 ms, so its last waves are repeated: seamlessly (the
length that is repeated is the one at which the sound resembles itself most), at full level at first, and
silent soon after. The idea is that of ITU-T G.711, appendix I. Where sound comes again it is faded in over
what was made up, so there is never a step. See docs/decisions/021-holes-in-the-sound.md.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from broadcast.mixer.sound import Samples, There

SEAM = 240  # samples in which what comes again is faded in, 5 ms
HOLD = 960  # samples that are made up at full level, 20 ms
LAST = 5760  # ... after which there is silence, 120 ms
SHORTEST, LONGEST = 480, 960  # samples that are repeated: 10 to 20 ms, in which each voice has a period
LIKE = 720  # samples that are compared, 15 ms
PAST = LIKE + LONGEST  # samples played that one must know
COARSE = 6  # the first search is at 8 kHz
EASE = 96  # samples in which a step is evened out, 2 ms
STALE = 4800  # samples for which waves are good while sound comes in pieces, 100 ms


class Concealer:
    """Fills the holes of one source as it is played. Blocks of any length go in and come out in order."""

    def __init__(self) -> None:
        self._past = np.zeros((2, PAST), np.float32)
        self._repeat: _Repeat | None = None  # of the last hole, until `LONGEST` samples have come since
        self._come = 0  # samples that have come since that hole

    def forget(self) -> None:
        """What is played next has nothing to do with what was played before."""
        self._past[:] = 0
        self._repeat = None

    def leap(self) -> None:
        """What is played next comes from elsewhere in the same sound: it is to be faded in."""
        self._begin(self._past)

    def block(self, samples: Samples, there: There) -> Samples:
        """The next samples with all holes filled. `samples` may be written to."""
        if self._repeat is not None or not there.all():
            edges = np.flatnonzero(np.diff(there)) + 1
            start = 0
            for end in (*edges.tolist(), len(there)):
                if there[start]:
                    self._come_again(samples[:, start:end])
                else:
                    repeat = self._begin(_after(self._past, samples[:, :start]))
                    samples[:, start:end] = repeat.more(end - start)
                start = end
        self._past = _after(self._past, samples)
        return samples

    def _begin(self, past: Samples) -> "_Repeat":
        """A hole after `past`. Between two holes, what came makes the sound younger by its own length, and no
        louder than it is itself: so a word is not repeated for ever, and a torn voice is heard on."""
        if self._repeat is None:
            self._repeat = _Repeat(past, LONGEST, 0)
        elif self._come >= SHORTEST and self._repeat.done > STALE:
            self._repeat = _Repeat(past, self._come, max(0, self._repeat.age - self._come))
        elif self._come:
            self._repeat.go_on(past, self._come)
        self._come = 0
        return self._repeat

    def _come_again(self, part: Samples) -> None:
        """A piece that came: its beginning, or what of that is still to come, is faded in."""
        if self._repeat is None:
            return
        count = min(part.shape[1], max(0, SEAM - self._come))
        rise = (self._come + 1 + np.arange(count, dtype=np.float32)) / SEAM
        part[:, :count] = self._repeat.under(count) * (1 - rise) + part[:, :count] * rise
        self._come += part.shape[1]
        if self._come >= LONGEST:
            self._repeat = None


class _Repeat:
    """Sound that goes on after `past`, the last `PAST` samples before the hole, of which `come` came. `age`:
    how many samples were made up already."""

    def __init__(self, past: Samples, come: int, age: int) -> None:
        louder = int(np.argmax(np.square(past).sum(axis=1)))
        length = best_length(past[louder], come)
        self._wave = past[:, -length:].copy()
        # Its end is led over to its beginning: into what came before that beginning.
        ease = length // 4
        rise = np.linspace(0, 1, ease, dtype=np.float32)
        before = past[:, -length - ease : -length]
        self._wave[:, -ease:] = self._wave[:, -ease:] * (1 - rise) + before * rise
        self._level = 1.0
        self.age = age
        self.done = 0  # samples of these waves
        self._even_out(past)

    def go_on(self, past: Samples, come: int) -> None:
        """Go on after `past`, of which the last `come` samples came: not louder than they are."""
        self.age = max(0, self.age - come)
        self._level = min(1.0, _power(past[:, -come:]) / (_power(self._wave) + 1e-9))
        self._even_out(past)

    def more(self, count: int) -> Samples:
        """The next samples."""
        found = self._next(count, self.age + np.arange(count))
        self.age += count
        return found

    def under(self, count: int) -> Samples:
        """The next samples, under something else: they make it no older."""
        return self._next(count, np.full(count, self.age))

    def _even_out(self, past: Samples) -> None:
        """There is to be no step after the last sample of `past`."""
        before = self._wave[:, self.done % self._wave.shape[1] - 1] * self._level * _fall(self.age)
        self._step = past[:, -1] - before
        self._eased = 0  # samples since then

    def _next(self, count: int, age: NDArray[np.int_]) -> Samples:
        at = np.arange(count)
        wave = self._wave[:, (self.done + at) % self._wave.shape[1]]
        ease = np.clip(1 - (self._eased + at + 1) / EASE, 0, 1)
        self.done += count
        self._eased += count
        return (wave * (self._level * _fall(age)) + self._step[:, None] * ease).astype(np.float32)


def _fall(age: NDArray[np.int_] | int) -> NDArray[np.float64]:
    """The level of a sound of which so many samples were made up."""
    return np.asarray(np.clip((LAST - age) / (LAST - HOLD), 0, 1))


def _power(samples: Samples) -> float:
    return float(np.sqrt(np.square(samples).mean()))


def best_length(wave: NDArray[np.float32], longest: int = LONGEST) -> int:
    """The number of samples, `SHORTEST` to `longest`, after which the end of a sound is most like itself.

    `wave`: at least `PAST` samples of one channel.
    """
    end = np.asarray(wave[-PAST:], np.float64)
    coarse = np.asarray(end.reshape(-1, COARSE).mean(axis=1), np.float64)
    near = COARSE * _most_like(coarse, LIKE // COARSE, SHORTEST // COARSE, longest // COARSE)
    return _most_like(end, LIKE, max(SHORTEST, near - COARSE), min(longest, near + COARSE))


def _most_like(wave: NDArray[np.float64], like: int, least: int, most: int) -> int:
    """The shift, `least` to `most`, at which the last `like` samples correlate best with earlier ones."""
    end = wave[-like:]
    shifted = sliding_window_view(wave, like)[len(wave) - like - most : len(wave) - like - least + 1]
    power = np.square(shifted).sum(axis=1) + 1e-12
    return most - int(np.argmax(shifted @ end / np.sqrt(power)))


def _after(past: Samples, samples: Samples) -> Samples:
    """The last `PAST` samples once these are played, too."""
    return np.concatenate((past, samples), axis=1)[:, -PAST:]
