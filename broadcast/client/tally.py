"""(P) Counts what many viewers receive, a thousand packets at a time: losses, repairs, gaps, delays.

The usual case, nothing missing, costs no Python for a packet or for a viewer; only viewers whose numbers
jump are looked at packet by packet.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VIDEO, AUDIO = 0, 1
AUDIO_RATE = 48000  # ticks a second
STALL = 0.1  # seconds without a packet of the picture that count as a gap
MOST_ABSENT = 1024  # packets of one stream that are waited for; beyond, the oldest are given up
RESTART = 3000  # a jump of more numbers than this is a new beginning
SLACK = 0.2  # seconds: sound may come this much sooner than the first of it that was seen
BINS, BIN = 20_000, 1e-4  # of the histogram of sound's delay: 2 s, each 0.1 ms


class Missing(NamedTuple):
    """Numbers of one stream that were jumped over just now."""

    viewer: int
    track: int
    sequences: tuple[int, ...]


class Tally:
    """For `size` viewers with one picture and one sound each. Arrays are [track, viewer]."""

    def __init__(self, size: int) -> None:
        shape = (2, size)
        self.highest = np.full(shape, -1, np.int64)  # extended sequence number; -1: nothing yet
        self.ssrcs = np.zeros(shape, np.int64)
        self.packets = np.zeros(shape, np.int64)  # each counted once
        self.missing = np.zeros(shape, np.int64)  # did not come at its turn
        self.repaired = np.zeros(shape, np.int64)  # ... but later
        self.longest = np.zeros(shape)  # seconds between two packets
        self.stalls = np.zeros(shape, np.int64)  # gaps longer than STALL
        self.last = np.zeros(shape)  # when the newest packet came
        self.bytes = 0
        self.duplicates = 0
        self._absent: dict[tuple[int, int], dict[int, None]] = {}
        self._delays = np.zeros(BINS, np.int64)
        self._clock: tuple[int, int, float] | None = None  # SSRC, timestamp and arrival of the first sound

    def restart(self) -> None:
        """Count anew from here; numbers and times go on."""
        for each in (self.packets, self.missing, self.repaired, self.stalls, self.longest, self._delays):
            each[...] = 0
        self.bytes = self.duplicates = 0

    def take(
        self,
        owners: NDArray[np.int64],
        heads: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        times: NDArray[np.float64],
        audio: int,
    ) -> list[Missing]:
        """RTP packets, those of one viewer behind each other in order of arrival. `audio` is the payload type
        of sound. Returns what is missing, to be asked for."""
        self.bytes += int(lengths.sum())
        words = heads[:, :12].reshape(-1, 3, 4).astype(np.int64) @ np.array([1 << 24, 1 << 16, 1 << 8, 1])
        sound = (words[:, 0] >> 16) & 0x7F == audio
        found: list[Missing] = []
        for track, chosen in ((VIDEO, ~sound), (AUDIO, sound)):
            if chosen.any():
                part = words[chosen]
                found += self._track(track, owners[chosen], part[:, 0] & 0xFFFF, part[:, 2], times[chosen])
                if track == AUDIO:
                    self._delay(part[:, 1], part[:, 2], times[chosen])
        return found

    def delay(self, share: float) -> float | None:
        """By how many seconds sound was later than the soonest of it, for a `share` (0 to 1) of all."""
        total = int(self._delays.sum())
        if not total:
            return None
        first = int(np.flatnonzero(self._delays)[0])
        return float((np.searchsorted(np.cumsum(self._delays), share * total) - first) * BIN)

    def _track(
        self,
        track: int,
        owners: NDArray[np.int64],
        sequences: NDArray[np.int64],
        ssrcs: NDArray[np.int64],
        times: NDArray[np.float64],
    ) -> Iterator[Missing]:
        first = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1])))
        after = np.append(first[1:], len(owners))
        who = owners[first]
        highest, last = self.highest[track], self.last[track]
        new = highest[who] < 0
        highest[who[new]] = sequences[first[new]] - 1 + (1 << 16)
        last[who[new]] = times[first[new]]
        self.ssrcs[track][who] = ssrcs[first]

        before = np.empty_like(times)
        before[1:], before[first] = times[:-1], last[who]
        gaps = times - before
        self.longest[track][who] = np.maximum(self.longest[track][who], np.maximum.reduceat(gaps, first))
        np.add.at(self.stalls[track], owners[gaps > STALL], 1)
        last[who] = times[after - 1]

        previous = np.empty_like(sequences)
        previous[1:], previous[first] = sequences[:-1], highest[who]
        odd = np.add.reduceat((sequences - previous) & 0xFFFF != 1, first) > 0
        plain = ~odd
        counts = (after - first)[plain]
        highest[who[plain]] += counts
        self.packets[track][who[plain]] += counts
        return (
            missing
            for viewer, start, end in zip(who[odd], first[odd], after[odd], strict=True)
            if (missing := self._singly(track, int(viewer), sequences[start:end].tolist())).sequences
        )

    def _singly(self, track: int, viewer: int, sequences: list[int]) -> Missing:
        """Some packets of one viewer, with jumps, repairs or repeats among them."""
        absent = self._absent.setdefault((track, viewer), {})
        highest = int(self.highest[track, viewer])
        jumped: list[int] = []
        for sequence in sequences:
            ahead = (sequence - highest + 0x8000 & 0xFFFF) - 0x8000
            number = highest + ahead
            if ahead > 0:
                between = range(highest + 1, number) if ahead < RESTART else ()
                self.missing[track, viewer] += len(between)
                absent.update(dict.fromkeys(between))
                jumped += between
                highest = number
            elif number in absent:
                del absent[number]
                self.repaired[track, viewer] += 1
            else:
                self.duplicates += 1
                continue
            self.packets[track, viewer] += 1
        self.highest[track, viewer] = highest
        while len(absent) > MOST_ABSENT:
            del absent[next(iter(absent))]
        return Missing(viewer, track, tuple(number & 0xFFFF for number in jumped if number in absent))

    def _delay(self, stamps: NDArray[np.int64], ssrcs: NDArray[np.int64], times: NDArray[np.float64]) -> None:
        """Sound of the first SSRC that was seen: all viewers have the same where the server shares it."""
        if self._clock is None:
            self._clock = int(ssrcs[0]), int(stamps[0]), float(times[0])
        ssrc, stamp, at = self._clock
        own = ssrcs == ssrc
        ticks = (stamps[own] - stamp + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        late = times[own] - at - ticks / AUDIO_RATE + SLACK
        bins = np.clip((late / BIN).astype(np.int64), 0, BINS - 1)
        self._delays += np.bincount(bins, minlength=BINS)
