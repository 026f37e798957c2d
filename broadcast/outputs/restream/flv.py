"""(P) The programme's frames as the bodies of RTMP's video and audio messages (Adobe, "Video File
Format" 10.1, annex E.4): H264 with lengths before its NAL units instead of start codes, AAC as it is."""

import broadcast.rtp.aac as aac
import broadcast.rtp.h264 as h264
from broadcast.errors import MalformedError

_KEY, _INTER, _AVC = 0x10, 0x20, 7
_AAC = b"\xaf"  # AAC; rate, size and channels are always said so, and stand in the configuration
_LEFT_OUT = frozenset({h264.DELIMITER, h264.FILLER, h264.END_OF_SEQUENCE, h264.END_OF_STREAM})
_SETS = frozenset({h264.SPS, h264.PPS})


def parameter_sets(keyframe: bytes) -> tuple[bytes, bytes]:
    """The SPS and PPS of an Annex B access unit. Raises MalformedError when it lacks one."""
    units = {unit[0] & 0x1F: unit for unit in h264.nal_units(keyframe)}
    if not units.keys() >= _SETS or len(units[h264.SPS]) < 4:
        raise MalformedError("a keyframe without parameter sets")
    return units[h264.SPS], units[h264.PPS]


def video_header(keyframe: bytes) -> bytes:
    """The message before all pictures. Raises MalformedError."""
    return bytes((_KEY | _AVC, 0, 0, 0, 0)) + h264.configuration(*parameter_sets(keyframe))


def video(data: bytes, keyframe: bool) -> bytes:
    """One picture, from Annex B; b"" when nothing is in it. Parameter sets travel in the header alone."""
    units = [unit for unit in h264.nal_units(data) if unit[0] & 0x1F not in _LEFT_OUT | _SETS]
    if not units:
        return b""
    head = bytes(((_KEY if keyframe else _INTER) | _AVC, 1, 0, 0, 0))
    return head + h264.with_lengths(units)


def audio_header() -> bytes:
    """The message before all sound."""
    return _AAC + b"\x00" + aac.CONFIGURATION


def audio(data: bytes) -> bytes:
    """One AAC frame."""
    return _AAC + b"\x01" + data
