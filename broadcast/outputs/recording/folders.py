"""Events' folders of recordings: what lies in them, and which of them, and what of it, is ours to erase.

    <recordings>/<event>/event.json      {"event": "<event>"}: this folder is ours
    <recordings>/<event>/speakers/*.mkv
    <recordings>/<event>/downloads/*.mp4

`<recordings>` may be a folder that others use, too. So only what carries the mark is ever taken for an event,
and of that only the two folders above go.
"""

import contextlib
import json
import logging
import shutil
from pathlib import Path

from broadcast.outputs.whole import keep

MARK = "event.json"
SPEAKERS = "speakers"
DOWNLOADS = "downloads"

log = logging.getLogger(__name__)


def mark(folder: Path, event: str) -> None:
    """Say that a folder is ours; it is made if it is not there. Raises OSError."""
    keep(folder / MARK, (json.dumps({"event": event}) + "\n").encode())


def events(recordings: Path) -> list[tuple[str, Path]]:
    """Each event that has recordings here, with its folder. Reads the disk."""
    found = []
    for path in recordings.glob(f"*/{MARK}"):
        try:
            found.append((str(json.loads(path.read_text(encoding="utf-8"))["event"]), path.parent))
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s is left out: %s", path, error)
    return found


def ours(folder: Path) -> list[Path]:
    """What of a marked folder is ours."""
    return [folder / part for part in (SPEAKERS, DOWNLOADS) if (folder / part).is_dir()]


def erase(folder: Path) -> None:
    """Erase an event's recordings. Raises OSError."""
    for part in ours(folder):
        shutil.rmtree(part)
    (folder / MARK).unlink()
    with contextlib.suppress(OSError):  # somebody has put something else there
        folder.rmdir()
