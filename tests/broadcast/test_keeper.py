"""The keeper on a real disk: old events go, journalled first; this one stays."""

import os
from datetime import UTC, datetime
from pathlib import Path

from broadcast.config import parse
from broadcast.keeper import Keeper
from broadcast.outputs.hls.store import current_session


async def test_old_events_are_erased_and_said_so(tmp_path: Path) -> None:
    """Of last month's event the programme and the recordings go; of this event nothing does."""
    data, recordings = tmp_path / "data", tmp_path / "data" / "recordings"
    folders = {}
    for event in ("last", "now"):
        session = current_session(data, event, 0.0, 1e9)
        folders[event] = [session.folder, recordings / event]
        for folder in folders[event]:
            (folder / "speakers").mkdir(parents=True)
            (folder / "speakers" / "a.mkv").write_bytes(bytes(1000))
            for path in [*folder.rglob("*"), folder]:
                os.utime(path, (1e9, 1e9))
    event = {"id": "now", "name": "Now", "start": datetime.fromtimestamp(1e9, UTC)}
    config = parse({"event": event, "recording": {"keep_days": 30}})
    said: list[tuple[str, int]] = []
    keeper = Keeper(config, data, recordings, lambda name, octets: said.append((name, octets)))
    await keeper.look()
    assert not any(folder.exists() for folder in folders["last"])
    assert all(folder.exists() for folder in folders["now"])
    assert len(said) == 2
    assert keeper.erased >= 2000
