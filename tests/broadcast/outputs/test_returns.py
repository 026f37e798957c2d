"""Returns against peers in memory: whose sound goes to whom, on which line, and who is told."""

from collections.abc import Iterable

from broadcast.outputs.fanout import Fanout
from broadcast.outputs.returns import Returns
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import parse
from broadcast.transport.sdp import Negotiated, Watch
from tests.support.rtp import Clock, FakePeer, FakePort, picture, track

VIDEO, AUDIO = 106, 109


class Backstage:
    """A fan-out, its returns, and who listens by what was told."""

    def __init__(self) -> None:
        self.clock, self.port = Clock(), FakePort()
        self.tracks: list[Watch] = []
        answer = self.port.answer_watch

        def answer_watch(offer: str, watch: Watch) -> tuple[FakePeer, str]:
            self.tracks.append(watch)
            return answer(offer, watch)

        self.port.answer_watch = answer_watch  # type: ignore[method-assign]
        self.fanout = Fanout(self.port, clock=self.clock, defer=lambda call: call())  # type: ignore[arg-type]
        self.returns = Returns(self.port, self.fanout, clock=self.clock)  # type: ignore[arg-type]
        self.told: list[set[str]] = []
        self.returns.on_listeners = self.listeners

    def listeners(self, people: Iterable[str]) -> None:
        self.told.append(set(people))

    def listen(self, person: str, sound: bool = True) -> tuple[FakePeer, Watch]:
        """A connected listener, and what it was answered with."""
        audio = track(Codec.OPUS, AUDIO, extensions={}) if sound else None
        media = Negotiated(track(Codec.H264, VIDEO, extensions={}), audio)
        peer = FakePeer(media, id=f"{person}{len(self.tracks)}", state="new")
        self.port.next.append(peer)
        self.returns.watch("offer", person)
        peer.state = "connected"
        peer.on_connected()
        return peer, self.tracks[-1]

    def hear(self, person: str, number: int) -> None:
        self.clock.now += 0.02
        frame = Frame(Codec.OPUS, b"%s%d" % (person.encode(), number), number * 960, self.clock())
        self.returns.send(person, frame)


def sounds(peer: FakePeer) -> list[bytes]:
    return [bytes(p.payload) for p in map(parse, peer.rtp) if p.payload_type == AUDIO]


def test_everybody_gets_their_own_sound_and_the_shared_picture() -> None:
    """Picture packets are those of all viewers; the sound is on an SSRC of its own, and nobody else's."""
    stage = Backstage()
    (anna, line), (ben, other) = stage.listen("anna"), stage.listen("ben")
    stage.fanout.send(picture(0, key=True, size=3000))
    stage.fanout.send(Frame(Codec.OPUS, b"programme", 0, 0.0))
    for number in range(3):
        stage.hear("anna", number)
    assert sounds(anna) == [b"anna0", b"anna1", b"anna2"]
    assert sounds(ben) == []
    pictures = [[data for data in peer.rtp if parse(data).payload_type == VIDEO] for peer in (anna, ben)]
    assert pictures[0] == pictures[1] != []
    assert len({line.audio_ssrc, other.audio_ssrc, stage.fanout.track.audio_ssrc}) == 3
    assert line.video_ssrc == other.video_ssrc == stage.fanout.track.video_ssrc
    assert {p.ssrc for p in map(parse, anna.rtp) if p.payload_type == AUDIO} == {line.audio_ssrc}


def test_listeners_are_told_as_they_come_and_go() -> None:
    """Only connected ones count, each person once; one who wants the picture alone is not mixed for."""
    stage = Backstage()
    first, _ = stage.listen("anna")
    second, _ = stage.listen("anna")
    stage.listen("ben", sound=False)
    first.close()
    second.close()
    assert stage.told == [{"anna"}, {"anna"}, {"anna"}, set()]
    stage.hear("anna", 0)
    assert sounds(first) == []


def test_a_page_that_reloads_is_not_silenced_by_the_old_one() -> None:
    """Two connections of one person get the same sound, each on its own line."""
    stage = Backstage()
    old, _ = stage.listen("anna")
    new, _ = stage.listen("anna")
    stage.hear("anna", 0)
    assert sounds(old) == sounds(new) == [b"anna0"]
    old.close()
    stage.hear("anna", 1)
    assert sounds(new) == [b"anna0", b"anna1"]


def test_reports_put_the_sound_in_step_with_the_picture() -> None:
    """The first packet is followed by a sender report at once, then one a second, by the same wall clock and
    under the same name as the picture's."""
    stage = Backstage()
    anna, line = stage.listen("anna")
    for number in range(100):
        stage.hear("anna", number)
    reports = [each for data in anna.rtcp for each in rtcp.parse(data)]
    own = [r for r in reports if isinstance(r, rtcp.SenderReport) and r.ssrc == line.audio_ssrc]
    assert len(own) == 2
    assert own[1].timestamp - own[0].timestamp in range(48000, 48961)
    heard = [data for data in anna.rtcp if line.audio_ssrc.to_bytes(4, "big") in data]
    assert all(stage.fanout.track.cname.encode() in data for data in heard)


def test_lost_sound_is_sent_again_within_reason() -> None:
    """The very packet again, to who asks by the right SSRC; not without end."""
    stage = Backstage()
    anna, line = stage.listen("anna")
    stage.hear("anna", 0)
    sent = anna.rtp[-1]
    again = rtcp.Nack(1, line.audio_ssrc, (parse(sent).sequence,)).build()
    anna.on_rtcp(again, 0.0)
    assert anna.rtp == [sent, sent]
    anna.on_rtcp(rtcp.Nack(1, line.video_ssrc ^ 1, (parse(sent).sequence,)).build(), 0.0)
    anna.on_rtcp(b"\x80nonsense", 0.0)
    assert anna.rtp == [sent, sent]
    for _ in range(200):
        anna.on_rtcp(again, 0.0)
    assert len(anna.rtp) < 60
    assert stage.returns.stats()["resent"] == len(anna.rtp) - 1
