"""Files that are there whole or not at all."""

import os
from pathlib import Path


def keep(path: Path, data: bytes, *, sure: bool = True) -> None:
    """Write a file, and its folder; `sure`: until the disk has it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    try:
        with temporary.open("wb") as out:
            out.write(data)
            out.flush()
            if sure:
                os.fsync(out.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    temporary.rename(path)
