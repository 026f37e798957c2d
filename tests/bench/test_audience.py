"""The bench of the fan-out: its arithmetic and its curves, on readings made by hand."""

from xml.etree import ElementTree

from tests.bench import audience
from tests.bench.contenders import Reading
from tests.bench.curves import chart


def reading(name: str, viewers: int, cpu: float, **other: float) -> Reading:
    figures = {"user": 1.0, "packets": 340.0, "lost": 0.0, "busy": 0.1, "gap": 40.0, "memory": 90.0}
    return Reading(name=name, viewers=viewers, joined=viewers, cpu=cpu, sound_99=2.0, **{**figures, **other})


def test_bars() -> None:
    """Ours is compared with Janus's best and with the lower floor at 200 viewers, and with itself at 50."""
    readings = [
        reading("floor (C), sealed", 200, 1.0),
        reading("floor (C), libsrtp", 200, 1.3),
        reading(audience.COMPILED, 50, 1.6),
        reading(audience.COMPILED, 200, 1.5, memory=130.0),
        reading(audience.COMPILED, 500, 1.44),
        reading(audience.PLAIN, 200, 1.9),
        reading("Janus, default", 200, 20.0),
        reading("Janus, event_loops = 1", 200, 9.0),
        reading(audience.ONE_CORE, 1500, 1.7, lost=3.0),
    ]
    found = {figure.name: figure for figure in audience.figures(readings)}
    assert [round(figure.value or 0, 2) for figure in found.values()] == [
        1.5,
        16.67,
        1.5,
        0.9,
        130,
        1960.78,
        1.9,
        3,
        2,
    ]
    assert [name for name, figure in found.items() if figure.verdict == "MISS"] == [
        "memory a viewer, 200 viewers",
        "1500 viewers on one core: packets lost to it",
    ]
    assert "one core" in audience.lines(readings).splitlines()[-1]


def test_what_could_not_be_measured_is_a_miss() -> None:
    """Without the others, or when not everybody got in, there is no figure that passes."""
    lonely = [reading(audience.COMPILED, 200, 1.5)]
    assert [figure.verdict for figure in audience.figures(lonely)][:4] == ["pass", "MISS", "MISS", "MISS"]
    few = [Reading(audience.PLAIN, 200, 30, 0.1, 0.1, 340, 0, 0.1, None, 0, 1)]
    assert audience.figures(few)[0].value is None


def test_curves() -> None:
    """An SVG that can be read, with a line, a mark and a value for each point, and names made harmless."""
    text = chart("a < b", "viewers", "us", {"one & two": [(10, 2.0), (50, 1.5)], "three": [(10, 9.0)]})
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}polyline")) == 2
    assert len(root.findall(f"{space}circle")) == 3
    words = [each.text for each in root.findall(f"{space}text")]
    assert {"a < b", "one & two", "1.5", "9"} <= set(words)
    assert chart("empty", "x", "y", {}).endswith("</svg>\n")


def test_the_middle_of_the_rounds_counts() -> None:
    """One round on a bad moment of the machine, and one on a good, change nothing."""
    rounds = [reading("us", 200, cpu, lost=number) for number, cpu in enumerate((9.0, 1.4, 1.5))]
    assert (audience.middle(rounds).cpu, audience.middle(rounds).lost) == (1.5, 2)
    assert audience.middle(rounds[:1]) == rounds[0]
