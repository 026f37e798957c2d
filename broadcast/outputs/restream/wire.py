"""(P) The words between the server and a target's process. How messages are made is in pipe.py."""

from enum import IntEnum


class Word(IntEnum):
    """The messages. To the process: TARGET to FRAME; to the server: OPEN to FAILED. No key goes there."""

    TARGET = 1  # the first: where to, how, and the secrets, which are in no argument list and no environment
    LOOK = 2  # the second: a keyframe of the programme, for what its headers say
    FRAME = 3  # to be sent
    OPEN = 20  # {}: it is connected
    TOOK = 21  # {"octets"} in all, at most four times a second
    FAILED = 22  # {"code", "words"}, before it ends
