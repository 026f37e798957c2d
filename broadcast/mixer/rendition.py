"""One rendition of the programme as it is made: scaled, encoded, with keyframes of its own when forced.

Regular keyframes come at the same ticks in every rendition, so that segments and switches line up, and a cut
is one in all of them: as any other picture it would take longer to encode, in search of what was never there,
and be no smaller. A forced one is for one rendition alone: who watches the others need not pay for it with
coarser pictures.
"""

import av

from broadcast.mixer.encoder import VideoEncoder
from broadcast.mixer.picture import Scaler
from broadcast.mixer.settings import ProgrammeSettings

NEAR = 1  # ticks: a keyframe wanted this shortly before a regular one waits for it; more would delay a joiner


class Encoding:
    """`settings` are this rendition's, `whole` the programme's; `name` is empty for the full one.

    `force` may be set by any thread. Each tick: first `decide`, then `encode`.
    """

    def __init__(self, name: str, settings: ProgrammeSettings, whole: ProgrammeSettings) -> None:
        self.name = name
        self.force = True
        self._settings = settings
        self._gop = whole.gop
        self._encoder = VideoEncoder(settings)
        self._scaler = Scaler()
        self._last_key = -NEAR
        self._key = False

    def decide(self, tick: int, cut: bool) -> bool:
        """Whether this tick's picture is to be a keyframe. `cut`: nothing of it was seen before."""
        soon = -tick % self._gop <= NEAR and tick - self._last_key < self._gop
        self._key = cut or tick % self._gop == 0 or (self.force and not soon)
        if self._key:
            self.force = False
            self._last_key = tick
        return self._key

    def encode(self, frame: av.VideoFrame, tick: int) -> tuple[bytes, bool]:
        """The programme's picture in this size as an Annex B access unit, and whether it is an IDR."""
        settings = self._settings
        return self._encoder.encode(
            self._scaler.scale(frame, settings.width, settings.height), tick, self._key
        )
