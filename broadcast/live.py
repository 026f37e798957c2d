"""The programme by HTTP: wires its renditions to the origin of LL-HLS."""

import math
from functools import partial
from pathlib import Path

from broadcast.config import Config
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.outputs.hls.origin import MAIN, Origin, OriginSettings
from broadcast.outputs.programme import AAC, FULL, Programme

SEGMENT = 2.0  # seconds: a segment is as many keyframe intervals as that takes


def origin_settings(config: Config, programme: ProgrammeSettings, data: Path) -> OriginSettings:
    """[hls] and [programme] in the origin's own words."""
    hls = config.hls
    smaller = {each.name: each.video_kbps for each in programme.renditions}
    return OriginSettings(
        data=data,
        event=config.event.id,
        fps=programme.fps,
        part=hls.part_ms / 1000,
        segment=programme.gop / programme.fps * math.ceil(SEGMENT / programme.gop_seconds),
        window=hls.window_minutes * 60,
        resume=hls.resume_minutes * 60,
        fsync=hls.fsync,
        video_kbps={MAIN: programme.video_kbps, **smaller},
        audio_kbps=hls.audio_kbps,
    )


def attach(origin: Origin, programme: Programme) -> None:
    """Each rendition of the programme goes to the origin's of the same name, its sound to all."""
    for feed in programme.feeds:
        programme.attach(
            partial(origin.put, rendition=MAIN if feed == FULL else feed.removeprefix(f"{FULL}.")), feed
        )
    programme.attach(origin.put, AAC)
