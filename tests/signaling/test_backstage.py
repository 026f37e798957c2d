"""What producers and speakers say to one another over the desk, and what each of them sees of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from signaling.backstage import MAX_MOVES, MAX_TEXTS
from signaling.director import Level
from signaling.passes import Passes, PassRefused
from tests.signaling.house import SECRET, House, Line, until
from tests.signaling.stagehand import EVENT


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    house.wall.now = EVENT.start - 1e9
    await house.desk.start()
    yield house
    await house.desk.stop()


def talk(line: Line, name: str) -> Any:
    return next(each for each in line.state["talks"] if each["id"] == name)


async def edit(line: Line, ident: str, do: str, **fields: Any) -> str:
    return await line.command("edit", ident, do=do, **fields)


async def test_the_rundown_live(house: House) -> None:
    """Each edit is seen by everybody whom it concerns, at once."""
    producer, viewer = house.line("ping", "producer"), house.line()
    await house.rest()
    assert await edit(producer, "1", "move", talk="film", before="one") == "done"
    assert await edit(producer, "2", "add", title="More", speakers=["lanvin"], minutes=5) == "done"
    assert await edit(producer, "3", "skip", talk="panel") == "done"
    assert await edit(producer, "4", "extend", talk="two", minutes=10) == "done"
    assert await edit(producer, "5", "retime", talk="two", start=(EVENT.start + 7200) * 1000) == "done"
    assert await edit(producer, "6", "retitle", talk="two", title="Anew") == "done"
    assert await edit(producer, "7", "layout", talk="two", layout="full") == "done"
    assert await edit(producer, "8", "automatic", talk="two", automatic=True) == "done"
    assert await edit(producer, "9", "slate", message="Back soon") == "done"
    await until(lambda: viewer.state["air"]["slate"]["message"] == "Back soon")
    assert [each["id"] for each in viewer.state["talks"]][:2] == ["film", "one"]
    added = viewer.state["talks"][-1]
    assert (added["title"], added["speakers"], added["minutes"]) == ("More", ["lanvin"], 5)
    assert added["id"].startswith("added-")
    assert talk(viewer, "panel")["state"] == "skipped"
    two = talk(producer, "two")
    assert (two["minutes"], two["extended"], two["title"], two["layout"]) == (30, 10, "Anew", "full")
    assert two["automatic"]
    assert two["fixed"]
    assert two["start"] == two["expected"] == (EVENT.start + 7200) * 1000
    assert "fixed" not in talk(viewer, "two")
    assert house.stage.shown[-1][2].message == "Back soon"
    moves = producer.state["moves"]
    assert [move["do"] for move in moves][:3] == ["edit.move", "edit.add", "edit.skip"]
    assert moves[2] | {"at": 0} == {"at": 0, "by": "Ping Chen", "person": "ping", "do": "edit.skip",
                                    "talk": "panel", "who": None}  # fmt: skip


async def test_producers_see_each_other(house: House) -> None:
    """The last moves of all producers, bounded; nobody else sees them."""
    ping, pia = house.line("ping", "producer"), house.line("pia", "producer")
    thony = house.line("thony", "speaker")
    await house.rest()
    for number in range(MAX_MOVES + 3):
        who = (ping, pia)[number % 2]
        assert await who.command("cue", f"m{number}", talk=("one", "two")[number % 2]) == "done"
    await until(lambda: pia.state == ping.state | {"you": pia.state["you"]})
    assert len(ping.state["moves"]) == MAX_MOVES
    assert {move["by"] for move in ping.state["moves"]} == {"Ping Chen", "Pia Lang"}
    assert ping.state["moves"][-1]["talk"] == "one"
    assert "moves" not in thony.state


async def test_levels(house: House) -> None:
    """A level reaches the stage, the producers and the speaker; what is not said stays."""
    producer, thony = house.line("ping", "producer"), house.line("thony", "speaker")
    await house.rest()
    assert await producer.command("level", "l", person="thony", gain_db=-6) == "done"
    assert await producer.command("level", "m", person="thony", muted=True) == "done"
    assert house.stage.loud == {"thony": Level(-6.0, True)}
    assert producer.person("thony")["level"] == {"gain_db": -6.0, "muted": True}
    await until(lambda: thony.state["you"]["level"] == {"gain_db": -6.0, "muted": True})
    assert await producer.command("level", "n", person="thony", gain_db=0, muted=False) == "done"
    assert house.stage.loud == {}


async def test_talkback(house: House) -> None:
    """A producer's voice goes to those who were named, until they say otherwise or leave."""
    producer, thony = house.line("ping", "producer"), house.line("thony", "speaker")
    await house.rest()
    assert house.stage.voices == {"thony": (), "lanvin": (), "vermast": ()}
    assert await producer.command("talkback", "t", on=True, to=["thony"]) == "done"
    assert house.stage.voices["thony"] == ("ping",)
    await until(lambda: thony.state["you"]["talkback"] == ["Ping Chen"])
    assert producer.state["talkback"] == [{"by": "ping", "to": ["thony"]}]
    assert await producer.command("talkback", "u", on=True, to="all") == "done"
    assert all(voices == ("ping",) for voices in house.stage.voices.values())
    assert await producer.command("talkback", "v", on=False) == "done"
    assert not any(house.stage.voices.values())
    assert await producer.command("talkback", "w", on=True, to=["thony"]) == "done"
    producer.client.gone()
    await house.rest()
    assert not any(house.stage.voices.values())


async def test_text_cues(house: House) -> None:
    """A text reaches its people alone, and the producers see who has read it."""
    producer, pia = house.line("ping", "producer"), house.line("pia", "producer")
    thony, lanvin = house.line("thony", "speaker"), house.line("lanvin", "speaker")
    await house.rest()
    assert await producer.command("message", "a", to="stage", text="Wrap up") == "nobody_there"
    await house.on_air(producer, "one")
    assert await producer.command("message", "b", to="stage", text="Wrap up") == "done"
    await until(lambda: thony.state["you"]["messages"])
    (cue,) = thony.state["you"]["messages"]
    assert (cue["by"], cue["text"], cue["acked"]) == ("Ping Chen", "Wrap up", None)
    assert lanvin.state["you"]["messages"] == []
    assert await lanvin.command("ack", "x", message=cue["id"]) == "unknown_message"
    assert await thony.command("ack", "y", message=cue["id"]) == "done"
    await until(lambda: pia.state["messages"][0]["acks"])
    assert list(pia.state["messages"][0]["acks"]) == ["thony"]
    assert thony.state["you"]["messages"][0]["acked"] is not None
    for number in range(MAX_TEXTS + 2):
        assert await producer.command("message", f"n{number}", to=["lanvin"], text=f"{number}") == "done"
    assert len(producer.state["messages"]) == MAX_TEXTS
    assert "messages" not in thony.state


async def test_removed(house: House) -> None:
    """Out means out: page, feeds and pass, also after a restart of the page, until admitted."""
    producer, thony = house.line("ping", "producer"), house.line("thony", "speaker")
    house.desk.feed_up("thony", "thony", "camera")
    await house.rest()
    assert await producer.command("remove", "r", person="thony") == "done"
    assert thony.closed == (4403, "removed")
    assert house.stage.barred == {"thony"}
    assert producer.person("thony")["removed"]
    token = Passes(SECRET, EVENT.id).issue("thony", "speaker", 3600)
    with pytest.raises(PassRefused, match="removed") as refused:
        house.desk.authorise(token, "speaker")
    assert refused.value.status == 403
    again = house.line("thony", "speaker")
    assert again.closed == (4403, "removed")
    assert await producer.command("admit", "s", person="thony") == "done"
    back = house.line("thony", "speaker")
    await until(lambda: back.state)
    assert back.closed is None
    assert house.stage.barred == frozenset()


async def test_removed_outlives_a_restart(tmp_path: Path) -> None:
    """Who was removed before a crash stays out."""
    first = House(tmp_path)
    await first.desk.start()
    producer = first.line("ping", "producer")
    await producer.command("remove", "r", person="thony")
    await first.desk.stop()
    second = House(tmp_path)
    await second.desk.start()
    try:
        assert second.stage.barred == {"thony"}
        assert second.line("thony", "speaker").closed == (4403, "removed")
    finally:
        await second.desk.stop()


async def test_next_is_you(house: House) -> None:
    """A speaker reads when they are on, and how that moves when the talk before overruns."""
    producer, lanvin, viewer = (
        house.line("ping", "producer"),
        house.line("lanvin", "speaker"),
        house.line(),
    )
    await house.on_air(producer, "one")
    await until(lambda: lanvin.state["you"]["next_in"] == 20 * 60_000)
    assert producer.state["air"]["ends"] == (EVENT.start + 20 * 60) * 1000
    await house.pass_time(25 * 60)
    await until(lambda: lanvin.state["you"]["next_in"] == 0)
    assert lanvin.state["you"]["next_at"] == (EVENT.start + 25 * 60) * 1000
    await until(lambda: viewer.state["forecast"]["behind"] == 5 * 60_000)
    told = len(viewer.all("state"))
    states = len(producer.all("state"))
    await house.pass_time(6)
    await until(lambda: len(producer.all("state")) > states)
    assert producer.state["forecast"]["behind"] == (5 * 60 + 6) * 1000
    await house.pass_time(6)
    assert len(viewer.all("state")) <= told + 1, "viewers hear of whole minutes"


async def test_a_clip_ends(house: House) -> None:
    """The end of the clip on air brings the slate by itself."""
    producer = house.line("ping", "producer")
    await house.on_air(producer, "film")
    house.desk.clip_ended("film")
    await until(lambda: house.stage.shown[-1][1] is None)
    house.desk.shown(house.stage.shown[-1][0], 0.0)
    await until(lambda: producer.state["air"]["kind"] == "slate")
    assert talk(producer, "film")["state"] == "done"
    assert producer.state["moves"][-1]["do"] == "automatic"
    assert producer.state["moves"][-1]["by"] == ""


async def test_feeds_of_a_talk(house: House) -> None:
    """Producers read which feeds a talk shows, slides that come included."""
    producer = house.line("ping", "producer")
    await house.rest()
    assert talk(producer, "panel")["feeds"] == ["thony", "vermast"]
    house.desk.feed_up("vermast.slides", "vermast", "slides")
    await until(lambda: talk(producer, "panel")["feeds"] == ["thony", "vermast", "vermast.slides"])
    assert talk(producer, "film")["feeds"] == ["clip.film"]
