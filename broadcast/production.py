"""How the programme is made, as config.toml says it: the mixer's settings."""

from broadcast.config import Config
from broadcast.mixer.settings import Look, ProgrammeSettings, Rendition


def production_of(config: Config) -> ProgrammeSettings:
    """The mixer's settings; renditions that are not smaller than the programme are left out."""
    programme, sound = config.programme, config.sound
    return ProgrammeSettings(
        width=programme.width,
        height=programme.height,
        fps=programme.fps,
        video_kbps=programme.video_kbps,
        vbv_kbit=programme.burst_kbit,
        gop_seconds=programme.keyframe_seconds,
        preset=programme.preset,
        audio_kbps=programme.audio_kbps,
        segment_audio_kbps=config.hls.audio_kbps,
        snapshot_seconds=config.hls.thumbnail_seconds,
        dissolve_seconds=programme.dissolve_ms / 1000,
        crossfade_seconds=sound.crossfade_ms / 1000,
        automatic=sound.automatic,
        target_lufs=sound.target_lufs,
        max_gain_db=sound.max_gain_db,
        ceiling_dbtp=sound.ceiling_dbtp,
        return_kbps=sound.return_kbps,
        duck_db=sound.duck_db,
        hold_seconds=config.limits.dead_feed_ms / 1000,
        renditions=tuple(
            Rendition(each.height, each.video_kbps)
            for each in sorted(programme.renditions, key=lambda each: -each.height)
            if each.height < programme.height
        ),
        look=Look(event=config.event.name, place=config.event.place),
    )
