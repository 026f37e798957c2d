"""(P) What RTP needs to know of VP8: the payload descriptor (RFC 7741 section 4.2) and the frame header."""

from broadcast.errors import MalformedError


def payload_start(payload: bytes) -> tuple[int, bool]:
    """Where the VP8 data of an RTP payload starts, and whether it starts a frame (S set, partition 0).

    Raises MalformedError when the descriptor is cut off or nothing follows it.
    """
    if not payload:
        raise MalformedError("empty VP8 payload")
    first = payload[0]
    position = 1
    if first & 0x80:
        if len(payload) < 2:
            raise MalformedError("VP8 descriptor cut off")
        flags = payload[1]
        position = 2
        if flags & 0x80:  # picture id, 7 or 15 bits
            if len(payload) < 3:
                raise MalformedError("VP8 descriptor cut off")
            position += 2 if payload[2] & 0x80 else 1
        if flags & 0x40:  # TL0PICIDX
            position += 1
        if flags & 0x30:  # TID, KEYIDX
            position += 1
    if position >= len(payload):
        raise MalformedError("VP8 descriptor without data")
    return position, first & 0x17 == 0x10


def picture_id(payload: bytes) -> tuple[int, int] | None:
    """The picture id of an RTP payload and the number at which it wraps; None where there is none."""
    if len(payload) < 4 or not payload[0] & 0x80 or not payload[1] & 0x80:
        return None
    if payload[2] & 0x80:
        return (payload[2] & 0x7F) << 8 | payload[3], 0x8000
    return payload[2], 0x80


def is_keyframe(data: bytes) -> bool:
    """Whether a VP8 frame is a key frame (RFC 6386 section 9.1)."""
    return bool(data) and not data[0] & 1


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height in a key frame's header. Raises MalformedError when it is none."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        raise MalformedError("not a VP8 key frame")
    width = int.from_bytes(data[6:8], "little") & 0x3FFF
    height = int.from_bytes(data[8:10], "little") & 0x3FFF
    if not width or not height:
        raise MalformedError("VP8 picture without area")
    return width, height
