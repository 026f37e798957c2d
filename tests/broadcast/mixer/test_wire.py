"""What the mixer's process is told."""

from broadcast.mixer.scene import Card, Layout, Scene, Source, Strip
from broadcast.mixer.settings import Look, ProgrammeSettings
from broadcast.mixer.wire import Word
from broadcast.pipe import Pieces, pack_json, unpack_json


def test_scenes_and_settings_cross_the_pipe_unchanged() -> None:
    """Through JSON and back they are equal, in any script."""
    scenes = (
        Scene(Layout.SLATE, card=Card("陳雅琳", "हिन्दी", 1680069600.5)),
        Scene(
            Layout.PIP, (Source("a", "Ľubomír", 0.5, False, 10.0), Source("b")), Strip("高橋花子", "x", "y")
        ),
    )
    for scene in scenes:
        [(_, body)] = Pieces().feed(pack_json(Word.SHOW, scene.to_json()))
        assert Scene.from_json(unpack_json(body)) == scene
    settings = ProgrammeSettings(fps=25, look=Look(event="GO SMART"))
    [(_, body)] = Pieces().feed(pack_json(Word.SETTINGS, settings.to_json()))
    assert ProgrammeSettings.from_json(unpack_json(body)) == settings
