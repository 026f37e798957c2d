"""The base of feeds, the registry, and the verdict on a feed's health."""

import pytest

from broadcast.feeds.feed import Feed
from broadcast.feeds.meter import Meter
from broadcast.feeds.registry import Feeds
from broadcast.rtp.depacketise import depacketiser
from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.rtp.packet import Packet
from tests.support.rtp import picture, sound, vp8_picture


def test_every_sink_gets_every_frame_until_it_lets_go() -> None:
    """A sink that detaches, even from within a call, leaves the others alone."""
    feed, one, two = Feed("a"), [], []

    def once(frame: Frame) -> None:
        one.append(frame)
        let_go()

    let_go = feed.attach(once)
    feed.attach(two.append)
    for index in range(3):
        feed.emit(sound(index), index / 50)
    assert one == [sound(0)]
    assert two == [sound(0), sound(1), sound(2)]
    let_go()


def test_a_feed_of_frames_makes_packets_for_the_relay() -> None:
    """Packets of a clip make its pictures again, and each says when it was captured."""
    feed, packets = Feed("clip.a", kind="clip"), []
    feed.attach_packets(lambda kind, packet: packets.append((kind, packet)))
    for index in range(4):
        feed.emit(picture(index, key=index == 0), index / 30)
    reader, found = depacketiser(Codec.H264), []
    for kind, packet in packets:
        assert kind is Kind.VIDEO
        found += reader.push(packet, 0.0, False)
    assert [unit.data for unit in found] == [picture(index, key=index == 0).data for index in range(4)]
    assert feed.captured(Kind.VIDEO, 3000) == pytest.approx(1 / 30)
    assert feed.captured(Kind.AUDIO, 0) is None


def test_a_feed_without_listeners_makes_no_packets() -> None:
    """Nobody pays for a relay that nobody watches."""
    feed, packets = Feed("clip.a"), []
    feed.attach_packets(lambda kind, packet: packets.append(packet))()
    feed.emit(picture(0, key=True), 0.0)
    assert packets == []
    assert not feed._packetisers


def test_closing_is_told_once_and_ends_everything() -> None:
    """After `close` no sink gets anything, and a second close changes nothing."""
    feed, told, found = Feed("a"), [], []
    feed.on_closed.append(told.append)
    feed.attach(found.append)
    feed.close("left")
    feed.close("again")
    feed.emit(sound(0), 0.0)
    assert (told, found, feed.closed) == (["left"], [], "left")


def test_a_feed_replaces_one_with_the_same_id() -> None:
    """The old one is closed as "replaced" and gone before the new one is announced."""
    feeds, told = Feeds(), []
    feeds.on_added = lambda feed: told.append(("+", feed))
    feeds.on_removed = lambda feed, reason: told.append((reason, feed))
    old, new = Feed("a"), Feed("a")
    feeds.add(old)
    feeds.add(new)
    assert told == [("+", old), ("replaced", old), ("+", new)]
    assert feeds.get("a") is new
    old.close("late")
    assert feeds.get("a") is new
    new.close("left")
    assert told[-1] == ("left", new)
    assert list(feeds) == []


def test_a_feed_that_is_only_expected_replaces_none() -> None:
    """The one that is up stays until the other is; only one is expected at a time, and it may fail."""
    feeds, told = Feeds(), []
    feeds.on_added = lambda feed: told.append(("+", feed))
    feeds.on_removed = lambda feed, reason: told.append((reason, feed))
    old, never, new = Feed("a"), Feed("a"), Feed("a")
    feeds.add(old)
    feeds.expect(never)
    assert (feeds.get("a"), old.closed) == (old, None)
    feeds.expect(new)
    assert never.closed == "replaced"
    assert told == [("+", old)], "who was never up is not announced as gone"
    feeds.add(new)
    assert told == [("+", old), ("replaced", old), ("+", new)]
    feeds.expect(late := Feed("a"))
    late.close("handshake_timeout")
    feeds.expect(Feed("b"))
    feeds.close()
    assert told[3:] == [("shutdown", new)]


def test_the_registry_closes_all() -> None:
    """Every feed ends, each for the same reason, and the health of none is left."""
    feeds = Feeds()
    made = [Feed("a"), Feed("b")]
    for feed in made:
        feeds.add(feed)
    assert [health.id for health in feeds.health(0.0)] == ["a", "b"]
    feeds.close()
    assert [feed.closed for feed in made] == ["shutdown", "shutdown"]
    assert feeds.health(0.0) == []


def run(seconds: float, *, fps: int = 30, sounds: bool = True, codec: Codec = Codec.H264) -> Meter:
    meter = Meter("a", "ada", "camera")
    for index in range(int(seconds * fps)):
        make = vp8_picture if codec is Codec.VP8 else picture
        meter.frame(make(index, key=index == 0), index / fps)
    for index in range(int(seconds * 50) if sounds else 0):
        meter.frame(sound(index), index / 50)
    return meter


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
def test_health_of_a_good_camera(codec: Codec) -> None:
    """Size, rate and age are those of the pictures that came."""
    health = run(4.0, codec=codec).health(4.0, loss=0.0, rtt=0.05, level=-20.0)
    assert (health.codec, health.width, health.height) == (codec.value, 1280, 720)
    assert health.fps == pytest.approx(30, abs=1)
    assert health.bitrate == pytest.approx(8 * (30 * 3020 + 50 * 81), rel=0.05)
    assert (health.verdict, health.why) == ("good", "")
    said = health.as_json()
    assert (said["id"], said["owner"], said["rtt_ms"], said["video_age_ms"]) == ("a", "ada", 50, 33)


@pytest.mark.parametrize(
    ("meter", "now", "loss", "verdict", "why"),
    [
        (Meter("a", "", "camera"), 5.0, 0.0, "dead", "no picture yet"),
        (run(3.0), 8.0, 0.0, "dead", "no picture"),
        (run(3.0), 3.8, 0.0, "poor", "the picture stands still"),
        (run(3.0), 3.0, 0.2, "poor", "packets are lost"),
        (run(3.0, fps=5), 3.0, 0.0, "poor", "few pictures a second"),
        (run(3.0, sounds=False), 3.0, 0.0, "poor", "no sound"),
    ],
    ids=["nothing", "gone", "frozen", "lossy", "slow", "mute"],
)
def test_the_verdict_says_why(meter: Meter, now: float, loss: float, verdict: str, why: str) -> None:
    """Whatever is wrong, the first thing to mend is named."""
    health = meter.health(now, loss=loss, rtt=None, level=None)
    assert (health.verdict, health.why) == (verdict, why)


def test_an_unreadable_keyframe_keeps_the_last_size() -> None:
    """A keyframe that only claims to be one does not upset the meter."""
    meter = run(1.0)
    meter.frame(Frame(Codec.H264, b"\x00\x00\x00\x01\x67\x42", 10**6, 1.0), 1.0)
    meter.frame(Frame(Codec.VP8, b"\x00", 10**6, 1.0), 1.0)
    assert (meter.width, meter.height) == (1280, 720)


def test_packets_keep_their_shape() -> None:
    """Slots keep the hot path's packet small: it has no dictionary of its own."""
    assert not hasattr(Packet(0, False, 0, 0, 0, b""), "__dict__")
