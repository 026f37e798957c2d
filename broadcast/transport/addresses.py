"""Sockets to bind, and candidates to tell: this machine's addresses or those that the operator says."""

import contextlib
import ipaddress
import socket
from collections.abc import Sequence

import ifaddr

_MTU_DISCOVER = {  # (level, option): IP_MTU_DISCOVER, IPV6_MTU_DISCOVER
    socket.AF_INET: (socket.IPPROTO_IP, 10),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 23),
}
_PMTUDISC_OMIT = 5  # trust the interface's MTU only: a forged ICMP message must not shrink a viewer's path
_FORCE = {
    socket.SO_RCVBUF: 33,
    socket.SO_SNDBUF: 32,
}  # SO_RCVBUFFORCE, SO_SNDBUFFORCE: beyond the system's limit


def bind(host: str, port: int, rcvbuf: int, sndbuf: int) -> socket.socket:
    """A non-blocking UDP socket. Raises OSError if the address is not ours or taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for option, size in ((socket.SO_RCVBUF, rcvbuf), (socket.SO_SNDBUF, sndbuf)):
            sock.setsockopt(socket.SOL_SOCKET, option, size)
            with contextlib.suppress(OSError):  # only for those with CAP_NET_ADMIN
                sock.setsockopt(socket.SOL_SOCKET, _FORCE[option], size)
        with contextlib.suppress(OSError):  # not on every platform
            sock.setsockopt(*_MTU_DISCOVER[family], _PMTUDISC_OMIT)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def candidates(bound: Sequence[tuple[str, int]], advertise: Sequence[str]) -> list[tuple[str, int]]:
    """What to tell browsers, best first: the advertised, or else our own addresses, loopback last.

    `advertise` holds "address" (with the port bound for its family), "address:port" or "[v6 address]:port".
    """
    if advertise:
        ports = {":" in host: port for host, port in reversed(bound)}
        return [_advertised(each, ports, bound[0][1]) for each in advertise]
    found: list[tuple[str, int]] = []
    for host, port in bound:
        if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
            found += [(own, port) for own in _own_addresses() if (":" in own) == (":" in host)]
        else:
            found.append((host, port))
    return sorted(dict.fromkeys(found), key=lambda each: ipaddress.ip_address(each[0]).is_loopback)


def _advertised(text: str, ports: dict[bool, int], default: int) -> tuple[str, int]:
    """Raises ValueError if there is no IP address in `text`."""
    host, port = text, ""
    if text.startswith("[") and "]" in text:
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    address = ipaddress.ip_address(host)
    return str(address), int(port) if port else ports.get(address.version == 6, default)


def _own_addresses() -> list[str]:
    """Of every interface, without IPv6's link-local ones, which mean nothing elsewhere."""
    found = []
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            address = each.ip if isinstance(each.ip, str) else each.ip[0]
            if not ipaddress.ip_address(address.partition("%")[0]).is_link_local:
                found.append(address)
    return found
