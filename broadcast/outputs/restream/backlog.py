"""(P) What goes to a target that does not keep up."""

from broadcast.rtp.frame import Frame, Kind


class Backlog:
    """Begins at a keyframe. Overflow: once more than `limit` octets wait, pictures are left out up to the
    first keyframe for which there is room again (half the limit), and sound as long as there is none."""

    def __init__(self, limit: int) -> None:
        self.dropped = 0  # frames left out because too much waited
        self._limit = limit
        self._begun = False
        self._skipping = True  # pictures, up to the next keyframe

    @property
    def wants_keyframe(self) -> bool:
        """Whether pictures are left out until a keyframe comes."""
        return self._skipping

    def admit(self, frame: Frame, waiting: int) -> bool:
        """Whether this frame is sent, while so many octets wait."""
        if frame.kind is Kind.VIDEO and self._skipping and frame.keyframe and waiting <= self._limit // 2:
            self._skipping, self._begun = False, True
            return True
        if not self._begun:
            return False
        full = waiting + len(frame.data) > self._limit
        if frame.kind is Kind.VIDEO:
            self._skipping = self._skipping or full
            full = self._skipping
        self.dropped += full
        return not full
