"""Addresses of targets: what people paste is understood or refused, and no secret is ever shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import TargetError
from broadcast.targets import MASK, Scheme, Target, parse

KEY = "abcd-1234-efgh"


@pytest.mark.parametrize(
    ("url", "key", "application", "stream", "address"),
    [
        ("rtmp://host/live/" + KEY, "", "live", KEY, f"rtmp://host/live/{MASK}"),
        ("rtmps://a.rtmps.youtube.com/live2", KEY, "live2", KEY, f"rtmps://a.rtmps.youtube.com/live2/{MASK}"),
        ("rtmps://a.b:443/rtmp/", KEY + "?s=1", "rtmp", KEY + "?s=1", f"rtmps://a.b:443/rtmp/{MASK}"),
        ("rtmp://h/app/inst/" + KEY, "", "app/inst", KEY, f"rtmp://h/app/{MASK}"),
        ("rtmp://h/app/inst", KEY, "app/inst", KEY, f"rtmp://h/app/{MASK}"),
        ("RTMP://[::1]:1936/a/" + KEY + "?token=x", "", "a", KEY + "?token=x", f"rtmp://[::1]:1936/a/{MASK}"),
    ],
)
def test_rtmp(url: str, key: str, application: str, stream: str, address: str) -> None:
    """The key comes apart or as the last part of the path; only the first part of the path is shown."""
    target = parse(url, key)
    assert (target.application, target.stream, target.address) == (application, stream, address)
    assert KEY not in repr(target)
    assert KEY not in target.scrub(f"cannot publish {stream} ({KEY})")


def test_srt() -> None:
    """Stream id and passphrase are taken from the address, the latency in ms; nothing of them is shown."""
    target = parse(
        "srt://host:9000?streamid=publish:room%20one&passphrase=0123456789ab&latency=800&pbkeylen=32"
    )
    assert (target.scheme, target.host, target.port) == (Scheme.SRT, "host", 9000)
    assert (target.stream_id, target.passphrase) == ("publish:room one", "0123456789ab")
    assert (target.latency, target.key_length) == (800, 32)
    assert target.address == f"srt://host:9000?{MASK}"
    assert "0123456789ab" not in repr(target)
    assert parse("srt://host:9000", "#!::r=live,m=publish").stream_id == "#!::r=live,m=publish"
    assert parse("srt://[::1]:9000").address == "srt://[::1]:9000"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must begin with"),
        ("https://host/live/key", "must begin with"),
        ("rtmp:///live/key", "must begin with"),
        ("rtmp://host/live", "stream key"),
        ("rtmp://host", "stream key"),
        ("rtmp://host/live/", "stream key"),
        ("rtmp://me:secret@host/live/key", "no name and password"),
        ("rtmp://host:0/live/key", "port"),
        ("rtmp://host:99999/live/key", "port"),
        ("rtmp://host/live/a key", "spaces"),
        ("rtmp://host/live/a\nkey", "spaces"),
        ("rtmp://host/live/" + "k" * 1000, "characters together"),
        ("srt://host", "port"),
        ("srt://host:9/path", "host, a port and options"),
        ("srt://host:9?mode=listener", "mode=caller"),
        ("srt://host:9?smoother=x", "these options"),
        ("srt://host:9?passphrase=short", "passphrase has"),
        ("srt://host:9?latency=2000000", "ms"),
        ("srt://host:9?latency=soon", "ms"),
        ("srt://host:9?pbkeylen=17", "pbkeylen"),
    ],
)
def test_refused(url: str, words: str) -> None:
    """What cannot be is said in words that hold nothing of the address."""
    with pytest.raises(TargetError, match=words) as refused:
        parse(url)
    assert "secret" not in str(refused.value)


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text(tail: str, key: str) -> None:
    """Whatever is typed in, there is a target or one documented refusal."""
    for start in ("", "rtmp://h/", "rtmps://h:1/a/", "srt://h:1?", "srt://h:1?passphrase="):
        try:
            parse(start + tail, key)
        except TargetError:
            continue


@given(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=8, max_size=40))
def test_no_key_in_an_address(secret: str) -> None:
    """Whatever the key, neither the masked address nor `repr` holds it."""
    targets: list[Target] = [
        parse("rtmp://host.example/live", secret),
        parse(f"rtmp://host.example/live/{secret}"),
    ]
    targets.append(parse(f"srt://host.example:9?streamid={secret}"))
    for target in targets:
        assert secret not in target.address.replace("host.example", "")
        assert f"{secret!r}" not in repr(target)
