"""Work that takes long and makes a file, each in a process of its own: a crash costs that file, and no more.

The process writes to `<target>.<its id>.part` and gives that its name when it is whole. One that is killed
leaves it behind: `sweep` before the first.
"""

import asyncio
import contextlib
import logging
import sys
from pathlib import Path

log = logging.getLogger("pavilion.chores")


async def run(module: str, *arguments: str, given: bytes = b"") -> str:
    """Call the module's `main` with these arguments and `given` on standard input.

    Gives what went wrong, in a line, or an empty text. Raises OSError where no process can be had.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"import sys; from {module} import main; main(*sys.argv[1:])",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # its own priority
    )
    try:
        _, said = await process.communicate(given)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode == 0:
        return ""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {process.returncode}"


def sweep(*folders: Path) -> None:
    """Remove what an earlier server's chores have left half made. Reads and writes the disk."""
    for path in (path for folder in folders for path in folder.glob("*.part")):
        try:
            size = path.stat().st_size
            path.unlink()
        except OSError as error:
            log.warning("%s cannot be removed: %s", path, error.strerror)
        else:
            log.info("%s was never finished and is removed, %d MB", path.name, size >> 20)
