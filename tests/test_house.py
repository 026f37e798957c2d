"""The house rules of docs/architecture.md, as tests: who may import whom, what pure files may not touch."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for part in ("broadcast", "signaling", "demo") for path in (ROOT / part).rglob("*.py"))

# Files that do no input or output, know no clock, start no task and write no log.
PURE = [
    *(ROOT / "broadcast" / "rtp").glob("*.py"),
    *(
        ROOT / name
        for name in (
            "broadcast/doorstep.py",
            "broadcast/pipe.py",
            "broadcast/workers/wire.py",
            "broadcast/transport/stun.py",
            "broadcast/transport/offer.py",
            "broadcast/transport/sdp.py",
            "broadcast/outputs/hls/clock.py",
            "broadcast/outputs/hls/cmaf.py",
            "broadcast/outputs/hls/index.py",
            "broadcast/outputs/hls/packager.py",
            "broadcast/outputs/hls/playlist.py",
            "broadcast/outputs/hls/still.py",
            "broadcast/outputs/hls/window.py",
            "broadcast/outputs/line.py",
            "broadcast/outputs/receipts.py",
            "broadcast/outputs/resends.py",
            "broadcast/mixer/scene.py",
            "broadcast/mixer/bidi.py",
            "broadcast/mixer/layout.py",
            "broadcast/mixer/quarantine.py",
            "broadcast/mixer/wire.py",
            "signaling/again.py",
            "signaling/airings.py",
            "broadcast/outputs/recording/cutting.py",
            "broadcast/outputs/recording/disk.py",
            "broadcast/outputs/recording/matroska.py",
            "broadcast/outputs/recording/reel.py",
            "broadcast/outputs/recording/retention.py",
            "broadcast/targets.py",
            "broadcast/outputs/restream/amf.py",
            "broadcast/outputs/restream/backlog.py",
            "broadcast/outputs/restream/chunks.py",
            "broadcast/outputs/restream/flv.py",
            "broadcast/outputs/restream/line.py",
            "broadcast/outputs/restream/rtmp.py",
            "broadcast/outputs/restream/wire.py",
            "signaling/aiming.py",
            "signaling/answers.py",
            "signaling/backstage.py",
            "signaling/commands.py",
            "signaling/cueing.py",
            "signaling/editing.py",
            "signaling/event.py",
            "signaling/facts.py",
            "signaling/fields.py",
            "signaling/forecast.py",
            "signaling/handoff.py",
            "signaling/messages.py",
            "signaling/moves.py",
            "signaling/orders.py",
            "signaling/plans.py",
            "signaling/records.py",
            "signaling/refusal.py",
            "signaling/roster.py",
            "signaling/rules.py",
            "signaling/rundown.py",
            "signaling/show.py",
            "signaling/state.py",
            "signaling/succession.py",
            "signaling/views.py",
            "signaling/watch.py",
        )
    ),
]
IMPURE = {
    "asyncio",
    "logging",
    "socket",
    "threading",
    "subprocess",
    "sqlite3",
    "time",
    "os",
    "random",
    "secrets",
}

# A library lives where its reason is, and nowhere else.
HOME = {
    "aiortc": ["broadcast/transport/dtls.py"],
    "OpenSSL": ["broadcast/transport/dtls.py"],
    "pylibsrtp": [
        "broadcast/transport/dtls.py",
        "broadcast/transport/peer.py",
        "broadcast/transport/lineup.py",
        "broadcast/transport/tray.py",
        "broadcast/transport/compiled.py",
        "broadcast/transport/seal.py",
        "broadcast/client/agent.py",
    ],
    "av": [
        "broadcast/mixer/",
        "broadcast/feeds/clip.py",
        "broadcast/feeds/prepare.py",
        "broadcast/outputs/recording/export.py",
        "broadcast/outputs/restream/mpegts.py",
        "demo/",
    ],
    "aiohttp": ["broadcast/routes/", "broadcast/client/", "demo/"],
    "sqlite3": ["signaling/journal.py"],
    "jwt": ["signaling/passes.py"],
    "PIL": ["broadcast/mixer/", "demo/"],
    "numpy": [
        "broadcast/mixer/",
        "broadcast/feeds/prepare.py",
        "broadcast/client/tally.py",
        "broadcast/client/harvest.py",
        "demo/",
    ],
    "cffi": [
        "broadcast/transport/kernel.py",
        "broadcast/transport/compiled.py",
        "broadcast/outputs/restream/srt.py",
        "broadcast/client/harvest.py",
    ],
    "fontTools": ["broadcast/webfont.py"],
    "uvloop": ["broadcast/cli.py", "broadcast/workers/__main__.py"],
}

# Who may import whom inside `broadcast`: never upward, and siblings are wired by app.py.
FLOORS = {
    "errors": set(),
    "faces": set(),
    "config": {"checks", "errors", "tables", "targets"},
    "checks": {"config", "errors"},
    "tables": {"errors"},
    "targets": {"errors"},
    "rtp": {"errors"},
    "transport": {"rtp", "errors"},
    "client": {"transport", "rtp", "errors"},
    "chores": set(),
    "garbage": set(),
    "priority": set(),
    "feeds": {"chores", "priority", "transport", "rtp", "errors"},
    "pipe": {"rtp", "errors"},
    "child": {"pipe", "rtp", "errors"},
    "mixer": {"child", "faces", "pipe", "priority", "transport", "rtp", "errors"},
    "outputs": {"chores", "pipe", "priority", "transport", "rtp", "errors", "targets"},
    "workers": {"child", "garbage", "outputs", "pipe", "priority", "transport", "rtp", "errors"},
}
KNOWS_SIGNALING = (
    "broadcast/app.py",
    "broadcast/distribution.py",
    "broadcast/links.py",
    "broadcast/nights.py",
    "broadcast/reair.py",
    "broadcast/routes/",
    "broadcast/shelf.py",
    "broadcast/stage.py",
    "broadcast/translation.py",
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: imports are absolute"
            yield node.module or ""


def test_there_are_sources() -> None:
    """The rules below look at something."""
    assert len(SOURCES) > 40


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_pure_files_are_pure(path: Path) -> None:
    """A pure file imports the standard library less its I/O, other pure files and errors.py only."""
    pure = {name_of(other)[:-3].replace("/", ".") for other in PURE}
    for imported in imports(path):
        top = imported.split(".")[0]
        assert top not in IMPURE, imported
        if top in ("broadcast", "signaling"):
            assert imported in pure or imported == "broadcast.errors", imported
        else:
            assert top not in HOME, imported


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_libraries_live_at_home(path: Path) -> None:
    """A third-party library is imported only where it lives."""
    for imported in imports(path):
        homes = HOME.get(imported.split(".")[0])
        if homes is not None:
            assert any(name_of(path).startswith(home) for home in homes), imported


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nobody_imports_upward(path: Path) -> None:
    """`signaling` never imports `broadcast`; inside `broadcast` the floors only know those below."""
    name = name_of(path)
    parts = name.removesuffix(".py").split("/")
    for imported in imports(path):
        target = imported.split(".")
        if target[0] == "demo":
            assert parts[0] == "demo", imported
        if parts[0] == "signaling":
            assert target[0] not in ("broadcast", "demo"), imported
        if parts[0] == "broadcast" and target[0] == "signaling":
            assert name.startswith(KNOWS_SIGNALING), imported
        if parts[0] == "broadcast" and target[0] == "broadcast" and len(target) > 1 and parts[1] in FLOORS:
            assert target[1] == parts[1] or target[1] in FLOORS[parts[1]], imported


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_module_level_mutable_state(path: Path) -> None:
    """Module level holds constants (in capitals, never changed) and definitions, not state."""
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            mutable = isinstance(node.value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp)
            for target in targets:
                if isinstance(target, ast.Name) and mutable:
                    assert target.id.strip("_").isupper() or target.id == "__all__", target.id
    assert not any(isinstance(node, ast.Global) for node in ast.walk(tree))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_main_ends_the_process(path: Path) -> None:
    """`sys.exit` and the like stand in __main__ alone."""
    if path.name != "__main__.py":
        assert not re.search(r"\b(sys\.exit|os\._exit|raise SystemExit)\b", path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_are_small_and_say_what_they_are(path: Path) -> None:
    """A source file has a docstring and at most 400 lines."""
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no docstring"


def test_pages_are_of_small_files() -> None:
    """A script has at most 400 lines too."""
    for path in (ROOT / "web" / "js").rglob("*.js"):
        assert len(path.read_text().splitlines()) <= 400, path


def test_pages_talk_through_two_files() -> None:
    """Only control.js opens a WebSocket, only peering.js peer connections; nothing writes HTML from text."""
    for path in (ROOT / "web" / "js").rglob("*.js"):
        text = path.read_text()
        opens = {"WebSocket": "control.js", "RTCPeerConnection": "peering.js"}
        for what, name in opens.items():
            assert path.name == name or not re.search(rf"new {what}\b", text), path
        assert not re.search(r"\.(innerHTML|outerHTML)\b|insertAdjacentHTML", text), path


def test_the_house_is_described() -> None:
    """docs/architecture.md names every file and folder of `broadcast`, and who there knows `signaling`."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    for path in (ROOT / "broadcast").iterdir():
        if not path.name.startswith("__"):
            name = f"{path.name}/" if path.is_dir() else path.name
            assert re.search(rf"^  {re.escape(name)} ", text, re.M), name
    rule = text[text.index("1. `signaling` never") : text.index("2. `app` ->")]
    for name in KNOWS_SIGNALING:
        assert f"`{name.removeprefix('broadcast/').removesuffix('.py')}`" in rule, name


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link in README and docs names a file that is there."""
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text()):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{name_of(path)}: {target}"
