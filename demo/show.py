"""The demo's stage manager: cues and takes one talk after another over `/ws`, as people do on /produce."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from demo.control import Control, Refused

CUE_BEFORE = 3.0  # seconds: time to see the preview in the multiview
PAUSE = 4.0  # seconds of slate before and after
TRY_AGAIN = 1.0  # seconds between tries while a speaker is not ready
TRIES = 15


async def run_show(
    control: Control, talks: Sequence[dict[str, Any]], tell: Callable[[str], None], *, once: bool
) -> None:
    """Put every talk on air for its planned length; over and over unless `once`."""
    again = False
    while True:
        await asyncio.sleep(PAUSE)
        for number, talk in enumerate(talks):
            if await take(control, talk, "cut" if number % 2 else "dissolve", tell, force=again):
                await asyncio.sleep(max(1.0, talk["minutes"] * 60 - CUE_BEFORE))
        closing = "Thank you for watching" if once else "The demo begins again in a moment"
        await control.command("slate", title=control.state["event"]["name"], message=closing)
        tell(f"slate: {closing}")
        await asyncio.sleep(PAUSE)
        if once:
            return
        again = True


async def take(
    control: Control,
    talk: dict[str, Any],
    transition: str,
    tell: Callable[[str], None],
    *,
    force: bool = False,
) -> bool:
    """Cue a talk, wait a moment, take it. False if its speakers did not come: the show goes on without."""
    extra = {"force": True} if force else {}
    for _ in range(TRIES):
        try:
            await control.command("cue", talk=talk["id"], **extra)
            await asyncio.sleep(CUE_BEFORE)
            await control.command("take", talk=talk["id"], transition=transition, **extra)
        except Refused as refusal:
            tell(f"{talk['id']}: {refusal}")
            await asyncio.sleep(TRY_AGAIN)
        else:
            tell(f"on air: {talk['title']}")
            return True
    tell(f"{talk['id']}: left out")
    return False
