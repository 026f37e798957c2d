"""`pavilion load`: how many viewers a server carries, asked with real ones, before the day.

Joins N viewers, watches for some seconds and says what arrived. What this machine's own socket buffers had
to drop is told apart from what the server (or the line) lost.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from broadcast.client.crowd import Crowd
from broadcast.client.tally import AUDIO, VIDEO, Tally


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. `rate` is joins a second."""

    url: str
    viewers: int
    seconds: float = 30.0
    rate: float = 50.0
    pass_: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of it. Times in ms, None where nothing was seen. `missing` packets did not come at their
    turn; some were `dropped_here` by this machine's own buffers, the rest `lost_on_the_way`; some of them all
    were `repaired` on request. The longest gaps and the sound's delay are from when everybody had joined."""

    joined: int
    failed: dict[str, int]
    ended_by_server: int
    seconds: float
    packets: int
    megabits_a_second: float
    packets_a_viewer_a_second: float
    missing: int
    repaired: int
    dropped_here: int
    lost_on_the_way: int
    loss_percent: float
    longest_gap_video: float | None
    longest_gap_audio: float | None
    viewers_with_gaps_over_100: int
    sound_delay_99: float | None
    first_packet_median: float | None
    first_packet_95: float | None
    keyframe_median: float | None
    keyframe_95: float | None


def endpoint(url: str) -> str:
    """The WHEP endpoint meant by a URL: of a bare server, it is /whep."""
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/whep"


async def run(order: Order, *, as_json: bool = False) -> int:
    """Carry out an order and print the summary. 0 if everybody got in and nothing was lost on the way."""
    async with Crowd(endpoint(order.url), order.viewers, pass_=order.pass_) as crowd:
        progress = asyncio.create_task(_progress(crowd, order), name="progress line")
        try:
            await crowd.join(order.viewers, order.viewers / order.rate)
            crowd.settle()
            crowd.tally.restart()
            dropped, begun = crowd.drops(), time.monotonic()
            await asyncio.sleep(order.seconds)
            crowd.settle()
            summary = summarise(crowd, time.monotonic() - begun, crowd.drops() - dropped)
        finally:
            progress.cancel()
            await asyncio.gather(progress, return_exceptions=True)
    if as_json:
        print(json.dumps(asdict(summary), indent=2))
    else:
        print(text(summary))
    return 0 if summary.joined == order.viewers and not summary.lost_on_the_way else 1


def summarise(crowd: Crowd, seconds: float, dropped: int) -> Summary:
    """What a crowd has seen in its last `seconds`."""
    tally = crowd.tally
    firsts, keys = _joins(crowd)
    packets, missing = int(tally.packets.sum()), int(tally.missing.sum())
    repaired = int(tally.repaired.sum())
    lost = max(0, missing - dropped)
    delay = tally.delay(0.99)
    return Summary(
        joined=len(crowd.members),
        failed=dict(crowd.failures),
        ended_by_server=crowd.gone,
        seconds=round(seconds, 2),
        packets=packets,
        megabits_a_second=round(tally.bytes * 8e-6 / seconds, 1),
        packets_a_viewer_a_second=round(packets / seconds / max(1, len(crowd.members)), 1),
        missing=missing,
        repaired=repaired,
        dropped_here=dropped,
        lost_on_the_way=lost,
        loss_percent=round(100 * lost / max(1, packets + missing - repaired), 4),
        longest_gap_video=_longest(tally, VIDEO),
        longest_gap_audio=_longest(tally, AUDIO),
        viewers_with_gaps_over_100=int((tally.stalls[VIDEO] > 0).sum()),
        sound_delay_99=None if delay is None else round(1000 * delay, 1),
        first_packet_median=_share(firsts, 0.5),
        first_packet_95=_share(firsts, 0.95),
        keyframe_median=_share(keys, 0.5),
        keyframe_95=_share(keys, 0.95),
    )


def text(summary: Summary) -> str:
    """The summary for people."""
    failed = ", ".join(f"{count} {code}" for code, count in summary.failed.items())
    return "\n".join(
        (
            f"joined        {summary.joined}" + (f"; failed: {failed}" if failed else ""),
            f"ended by it   {summary.ended_by_server}",
            f"packets       {summary.packets} in {summary.seconds:.0f} s, {summary.megabits_a_second} Mbit/s,"
            f" {summary.packets_a_viewer_a_second} a second for each viewer",
            f"missing       {summary.missing}: {summary.dropped_here} dropped by this machine's own buffers, "
            f"{summary.lost_on_the_way} lost on the way ({summary.loss_percent} %); "
            f"{summary.repaired} came on request",
            f"longest gap   picture {_ms(summary.longest_gap_video)}, sound {_ms(summary.longest_gap_audio)};"
            f" {summary.viewers_with_gaps_over_100} viewers without a picture for over 100 ms",
            f"sound late    {_ms(summary.sound_delay_99)} at the 99th percentile",
            f"first packet  {_ms(summary.first_packet_median)} after the click; "
            f"95th percentile {_ms(summary.first_packet_95)}",
            f"first picture {_ms(summary.keyframe_median)}; 95th percentile {_ms(summary.keyframe_95)}",
        )
    )


async def _progress(crowd: Crowd, order: Order) -> None:
    """One line on standard error, once a second."""
    begun = time.monotonic()
    while True:
        await asyncio.sleep(1)
        tally = crowd.tally
        failed = sum(crowd.failures.values())
        print(
            f"{time.monotonic() - begun:4.0f} s: {len(crowd.members)} of {order.viewers} are in"
            + (f", {failed} failed" if failed else "")
            + f"; {int(tally.packets.sum())} packets, {int(tally.missing.sum())} missing, "
            f"{crowd.drops()} dropped here",
            file=sys.stderr,
            flush=True,
        )


def _joins(crowd: Crowd) -> tuple[list[float], list[float]]:
    """From each viewer's POST to its first packet and to its first whole keyframe, in ms."""
    firsts, keys = [], []
    for member in crowd.members:
        posted, first = member.viewer.posted, member.viewer.first_packet
        if posted is not None and first is not None:
            firsts.append(1000 * (first - posted))
        if posted is not None and member.keyframe is not None:
            keys.append(1000 * (member.keyframe - posted))
    return sorted(firsts), sorted(keys)


def _share(values: list[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, int(share * len(values)))], 1) if values else None


def _longest(tally: Tally, track: int) -> float | None:
    return round(1000 * float(tally.longest[track].max()), 1) if tally.packets[track].any() else None


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"
