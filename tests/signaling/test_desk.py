"""The desk with real passes and a real journal: who may connect, what they hear, and in which order."""

import pytest

from signaling.passes import Passes, PassRefused
from tests.signaling.house import SECRET, House, Line, until
from tests.signaling.stagehand import EVENT


async def test_a_show(house: House) -> None:
    """Ready, cue, take, pass the floor, slate: everybody sees each step, and the mixer follows."""
    producer, viewer = house.line("ping", "producer"), house.line()
    thony, lanvin = house.line("thony", "speaker"), house.line("lanvin", "speaker")
    house.stage.fresh.update(["thony", "lanvin", "lanvin.slides"])
    for feed in ("thony", "lanvin"):
        house.desk.feed_up(feed, feed, "camera")
    await until(lambda: thony.state and thony.person("lanvin")["connected"])
    assert thony.state["you"].items() >= {"id": "thony", "state": "green_room", "talk": "one"}.items()
    assert thony.state["you"]["next_at"] == EVENT.start * 1000
    assert await producer.command("take", "t0", talk="one") == "not_ready"
    assert await thony.command("ready", "r1", ready=True) == "done"
    assert await producer.command("cue", "c1", talk="one") == "done"
    await until(lambda: viewer.state["standby"] == "one" and thony.state["you"]["state"] == "standby")
    assert house.stage.staged[-1] == ("one",)
    assert house.stage.shown == [("0", None, EVENT.slate)]

    producer.say({"type": "take", "id": "t1"})
    await until(lambda: len(house.stage.shown) == 2)
    token, *picture = house.stage.shown[-1]
    assert picture == ["one", "full", ["thony"], "cut"]
    await until(lambda: viewer.state["hand_off"] == {"target": "one", "phase": "commit", "by": "Ping Chen"})
    assert viewer.state["air"]["kind"] == "slate"
    assert producer.answer("t1") is None, "done means: on air"
    house.desk.shown(token, 0.0)
    await until(lambda: producer.answer("t1"))
    await until(lambda: viewer.state["air"]["talk"] == "one" and thony.state["you"]["state"] == "on_air")
    assert [talk["state"] for talk in viewer.state["talks"]][:2] == ["live", "planned"]

    assert await lanvin.command("pass_floor", "p0") == "not_on_air"
    assert await thony.command("pass_floor", "p1") == "nothing_on_standby"
    assert await producer.command("ready", "r2", ready=True, person="lanvin") == "done"
    assert await producer.command("cue", "c2", talk="two") == "done"
    thony.say({"type": "pass_floor", "id": "p2"})
    await until(lambda: house.stage.shown[-1][1] == "two")
    house.desk.shown(house.stage.shown[-1][0], 0.0)
    await until(lambda: thony.answer("p2") == {"type": "done", "id": "p2"})
    await until(lambda: viewer.state["talks"][0]["state"] == "done")
    assert await producer.command("scene", "s1", layout="full", transition="dissolve") == "done"
    assert house.stage.shown[-1][1:] == ("two", "full", ["lanvin"], "dissolve")
    producer.say({"type": "slate", "id": "e1", "title": "Thank you", "until": 1680079600000})
    await until(lambda: house.stage.shown[-1][1] is None)
    house.desk.shown(house.stage.shown[-1][0], 0.0)
    await until(lambda: producer.answer("e1"))
    slate = {"title": "Thank you", "message": "We start soon", "until": 1680079600000}
    assert viewer.state["air"]["slate"] == slate
    assert viewer.state["phase"] == "live"


async def test_on_standby_and_on_air_it_is_told_who_is_ready(house: House) -> None:
    """Standby hides the green room: the producer and the speaker see whether a take would find them ready."""
    producer, thony = house.line("ping", "producer"), house.line("thony", "speaker")
    assert await producer.command("cue", "c1", talk="one") == "done"
    await until(lambda: thony.state["you"].items() >= {"state": "standby", "ready": False}.items())
    assert producer.person("thony").items() >= {"state": "standby", "ready": False}.items()
    assert await thony.command("ready", "r1", ready=True) == "done"
    await until(lambda: thony.state["you"].items() >= {"state": "standby", "ready": True}.items())
    assert producer.person("thony").items() >= {"state": "standby", "ready": True}.items()
    assert producer.state["you"]["ready"] is None


async def test_views_hide_what_is_backstage(house: House) -> None:
    """Viewers and screens learn who speaks, not who is connected; only producers see problems."""
    house.line("thony", "speaker")
    lines = [house.line(), house.line("pavilion", "screen"), house.line("vera", "viewer")]
    producer, speaker = house.line("ping", "producer"), house.line("lanvin", "speaker")
    await house.rest()
    for line in lines:
        assert [person["id"] for person in line.state["people"]] == ["thony", "lanvin", "vermast"]
        assert set(line.state["people"][0]) == {"id", "name", "role", "title", "organisation", "place"}
        assert "problem" not in line.state
    assert "problem" in producer.state
    assert "problem" not in speaker.state
    assert producer.person("thony")["connected"]
    assert speaker.person("pavilion")["state"] == "green_room"
    assert lines[2].all("welcome")[0]["you"] == {"id": "vera", "name": "Vera", "role": "viewer"}


async def test_a_thousand_viewers_share_one_text(house: House) -> None:
    """A state is built once for each role, and viewers hear nothing of what is backstage."""
    producer = house.line("ping", "producer")
    viewers = [house.line() for _ in range(1000)]
    await until(lambda: viewers[-1].state)
    await house.rest()
    assert len({id(line.texts[-1]) for line in viewers}) == 1
    before = [len(line.heard) for line in viewers]
    thony = house.line("thony", "speaker")
    assert await thony.command("ready", "r", ready=True) == "done"
    await until(lambda: producer.person("thony")["state"] == "ready")
    assert [len(line.heard) for line in viewers] == before
    assert await producer.command("cue", "c", talk="one") == "done"
    await until(lambda: viewers[-1].state["standby"] == "one")
    assert len({id(line.texts[-1]) for line in viewers}) == 1


async def test_states_are_coalesced(house: House) -> None:
    """Many changes in one turn are told once."""
    producer = house.line("ping", "producer")
    await until(lambda: producer.state)
    await house.rest()
    states = len(producer.all("state"))
    for number in range(40):
        producer.say({"type": "cue", "id": f"c{number}", "talk": ["one", "two"][number % 2]})
    await until(lambda: producer.answer("c39"))
    await house.rest()
    assert len(producer.all("state")) == states + 1
    assert producer.state["standby"] == "two"


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"pass": "nonsense"}, "pass_invalid"),
        ({"pass": Passes(b"x" * 32, EVENT.id).issue("ping", "producer", 9)}, "pass_invalid"),
        ({"pass": Passes(SECRET, EVENT.id).issue("ping", "producer", 9, now=1.0)}, "pass_expired"),
        ({"pass": Passes(SECRET, "other").issue("ping", "producer", 3600)}, "pass_foreign"),
        ({"pass": Passes(SECRET, EVENT.id).issue("nobody", "producer", 3600)}, "pass_unknown_person"),
        ({"pass": Passes(SECRET, EVENT.id).issue("thony", "producer", 3600)}, "pass_unknown_person"),
    ],
)
async def test_wrong_passes_get_nothing(house: House, hello: dict[str, str], code: str) -> None:
    """Who has no good pass hears why, sees nothing, and changes nothing."""
    witness = house.line("ping", "producer")
    await house.rest()
    heard = len(witness.heard)
    line = Line(house.desk, role="stranger")
    line.say({"type": "hello", **hello})
    assert [message["type"] for message in line.heard] == ["bye"]
    assert line.heard[0]["code"] == code
    assert line.closed is not None
    line.say({"type": "cue", "id": "x", "talk": "one"})
    await house.rest()
    assert len(witness.heard) == heard


async def test_authorise_over_http(house: House) -> None:
    """The same rules over HTTP, with the status of the protocol's table."""
    desk, passes = house.desk, Passes(SECRET, EVENT.id)
    assert desk.authorise(None).role == "viewer"
    assert desk.authorise(passes.issue("thony", "speaker", 3600), "speaker").person == "thony"
    for token, roles, status, code in [
        (None, ("speaker",), 401, "pass_missing"),
        (passes.issue("vera", "viewer", 3600), ("speaker",), 403, "role_forbidden"),
        (passes.issue("nobody", "speaker", 3600), ("speaker",), 403, "pass_unknown_person"),
        ("x.y.z", (), 401, "pass_invalid"),
    ]:
        with pytest.raises(PassRefused) as refusal:
            desk.authorise(token, *roles)
        assert (refusal.value.status, refusal.value.code) == (status, code)


async def test_taken_over(house: House) -> None:
    """A speaker's second device takes the seat, and the speaker is never gone in between."""
    producer = house.line("ping", "producer")
    first = house.line("thony", "speaker")
    await until(lambda: producer.state and producer.person("thony")["connected"])
    states = len(producer.all("state"))
    second = house.line("thony", "speaker")
    assert first.heard[-1]["code"] == "taken_over"
    assert first.closed == (4409, "taken_over")
    await until(lambda: second.state)
    first.client.gone()
    await house.rest()
    assert all(s["people"][2]["connected"] for s in producer.all("state")[states:])
    second.client.gone()
    await until(lambda: producer.person("thony")["state"] == "absent")


async def test_a_page_that_checks_its_devices_takes_no_seat(house: House) -> None:
    """A live speaker's link opened a second time ends nobody, until that page sits down."""
    first = house.line("thony", "speaker")
    second = house.line("thony", "speaker", seat=False)
    third = house.line("thony", "speaker", seat=False)
    await until(lambda: second.state and third.state)
    assert not first.all("bye")
    second.say({"type": "sit"})
    assert first.closed == (4409, "taken_over")
    assert not second.all("bye") + third.all("bye")
    second.say({"type": "sit"})
    assert not second.all("bye")
    viewer = house.line()
    viewer.say({"type": "sit"})
    await house.rest()
    assert not viewer.all("error") + second.all("bye")


async def test_producers_may_be_many(house: House) -> None:
    """Two connections of one producer and another producer work side by side and see each other's moves."""
    lines = [house.line("ping", "producer"), house.line("ping", "producer"), house.line("pia", "producer")]
    await until(lambda: all(line.state for line in lines))
    assert await lines[1].command("cue", "c", talk="one") == "done"
    await until(lambda: all(line.state["standby"] == "one" for line in lines))
    seen = lines[2].state["revision"]
    assert await lines[0].command("cue", "d", talk="film") == "done"
    assert await lines[2].command("take", "t", revision=seen) == "stale"


async def test_the_same_id_on_a_new_connection(house: House) -> None:
    """A page that lost its line in the middle of a take asks again and is answered when it ends."""
    house.stage.fresh.add("clip.film")
    first = house.line("ping", "producer")
    first.say({"type": "take", "id": "t", "talk": "film"})
    await until(lambda: house.stage.shown[-1][1] == "film")
    first.client.gone()
    second = house.line("ping", "producer")
    second.say({"type": "take", "id": "t", "talk": "film"})
    await house.rest()
    assert second.answer("t") is None
    second.say({"type": "cue", "id": "t", "talk": "one"})
    await until(lambda: second.answer("t"))
    assert second.answer("t")["error"]["code"] == "id_reused"
    second.heard.clear()
    house.desk.shown(house.stage.shown[-1][0], 0.0)
    await until(lambda: second.answer("t") == {"type": "done", "id": "t"})
    assert [picture[1] for picture in house.stage.shown].count("film") == 1


async def test_strangers_and_floods_are_sent_away(house: House) -> None:
    """Who says nothing for ten seconds, or far too much, is told and closed."""
    silent = Line(house.desk, role="stranger")
    silent.say({"type": "take", "id": "x"})
    assert silent.heard[-1]["error"]["code"] == "malformed"
    silent.say({"type": "ping", "sent": 5})
    assert silent.heard[-1] == {"type": "pong", "sent": 5, "now": 1600000000000}
    await house.pass_time(10.5)
    assert silent.heard[-1]["code"] == "no_hello"
    assert silent.closed == (4408, "no_hello")
    flooder = house.line()
    for number in range(200):
        flooder.say({"type": "ping", "sent": number})
    assert flooder.heard[-1]["code"] == "flood"
    assert len(flooder.all("pong")) == 99  # the hundredth message was hello
    steady = house.line()
    for number in range(300):
        house.clock.now += 0.02
        steady.say({"type": "ping", "sent": number})
    assert steady.closed is None


async def test_a_full_house(house: House) -> None:
    """Past the limit a connection is told to come again, and takes no room."""
    for _ in range(1200):
        house.line()
    late = house.line()
    assert late.heard == [{"type": "bye", "code": "busy", "message": late.heard[0]["message"]}]
    assert house.desk.stats()["clients"] == 1200


async def test_health_goes_to_producers(house: House) -> None:
    """Once a second producers learn how every feed and client does, and nobody else does."""
    producer, viewer = house.line("ping", "producer"), house.line()
    viewer.say({"type": "report", "stats": {"fps": 30, "rtt_ms": 12.5, "page": None}})
    await house.pass_time(1.0)
    await until(lambda: producer.all("health"))
    health = producer.all("health")[-1]
    assert health["mixer"] == {"state": "up"}
    assert health["clients"][-1]["stats"] == {"fps": 30, "rtt_ms": 12.5}
    assert health["clients"][-1]["rtt_ms"] == 12.5
    assert not viewer.all("health")


async def test_the_audience_is_counted_calmly(house: House) -> None:
    """The audience is told at most once in two seconds; pages that play by HTTP count themselves."""
    viewer, other, producer = house.line(), house.line(), house.line("ping", "producer")
    await house.rest()
    house.desk.count_audience = lambda: (99, 1)
    for line in (other, producer):
        line.say({"type": "report", "stats": {"way": "hls"}})
    viewer.say({"type": "report", "stats": {"way": "rtc"}})
    await house.pass_time(0.1)
    assert len(viewer.all("state")) == 1
    await house.pass_time(2.0)
    await until(lambda: viewer.state["audience"] == {"viewers": 100, "screens": 1})
    assert len(viewer.all("state")) == 2
    other.client.gone()
    await house.pass_time(2.0)
    await until(lambda: viewer.state["audience"]["viewers"] == 99)
