"""(P) The words between the server and the mixer's process. How messages are made is in pipe.py."""

from enum import IntEnum


class Word(IntEnum):
    """The messages. To the mixer: SETTINGS to LEVELS; to the server: READY to SIGHT."""

    SETTINGS = 1  # the first: how the programme is made
    GO = 2  # begin the programme: epoch, first tick of picture and sound
    STAGE = 3  # decode exactly these feeds
    PREPARE = 4  # draw the titles of this scene, it may come soon
    SHOW = 5  # this scene at the next frame
    KEYFRAME = 6  # force one, of the rendition named; without a name of the full one
    HOLD = 7  # a frame of the programme so far: its last picture stands until there are new ones
    FRAME = 8  # a frame of a feed
    RETURNS = 9  # who listens, and what to: the returns in use by person
    LEVELS = 10  # the loudness of feeds as measured by the process before this one
    READY = 20  # may be told GO
    PROGRAMME = 21  # a frame of the programme; a smaller rendition's bears its name in place of a feed's
    SHOWN = 22  # the first frame of the scene with this token has left the encoder
    WANT = 23  # this feed's decoder needs a keyframe
    STATS = 24
    RETURN = 25  # a packet of the return of the person named as its feed
    SEGMENT_SOUND = 26  # a packet of the programme's sound for segments, AAC
    SNAPSHOT = 27  # a small picture of the programme: eight octets of Unix seconds, a JPEG
    SIGHT = 28  # with each tick: how old the picture of each staged feed is
