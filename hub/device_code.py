"""What stands on a device, read by a camera or typed by a person, as what it may stand for.

Nobody tells which of the numbers on a label is meant: a code of ours, a link to `/d/{code}`, the
LoRaWAN Alliance's text (TR005: `LW:D0:<JoinEUI>:<DevEUI>:<ProfileID>…`), a DevEUI, an IEEE address
of Zigbee, a MAC, or a maker's own line with one of them in it. All that fit are candidates, the
likeliest first; who is on the air decides.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

TEXT_CHARACTERS_MAX = 1_000
CANDIDATES_MAX = 16

_JOINED = "[0-9A-Fa-f]{2}(?:[-: ]?[0-9A-Fa-f]{2})"
_EUI64 = re.compile(rf"(?<![0-9A-Za-z])(?:0[xX])?({_JOINED}{{7}})(?![0-9A-Za-z])")
_MAC = re.compile(
    rf"(?<![0-9A-Za-z])({_JOINED}{{5}}|(?:[0-9A-Fa-f]{{4}}\.){{2}}[0-9A-Fa-f]{{4}})(?![0-9A-Za-z])"
)
_TR005 = re.compile(r"[Ll][Ww]:[0-9A-Za-z]{2}:[0-9A-Fa-f]{16}:([0-9A-Fa-f]{16})(?::|$)")
_ADDRESS = re.compile(r"[a-z][a-z0-9_]*:\S.*")
_NO_HEX = re.compile(r"[^0-9a-f]")


class DeviceCode(NamedTuple):
    """`codes` may be codes of ours, `addresses` senders, `parts` stand inside an address."""

    codes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


def read_code(text: str) -> DeviceCode:
    """Everything that the text may stand for; nothing where it is empty or too long."""
    text = text.strip()
    if not text or len(text) > TEXT_CHARACTERS_MAX or not text.isprintable():
        return DeviceCode()
    link = _code_of_link(text)
    if link:
        return DeviceCode((link,))
    joined = _TR005.match(text)
    if joined:
        return DeviceCode(addresses=(f"lorawan:{joined[1].lower()}",))
    euis = [_plain(found) for found in _EUI64.findall(text)]
    zigbee = "0x" in text.lower()
    addresses = [one for eui in euis for one in _of_eui(eui, zigbee_first=zigbee)]
    macs = [] if euis else [_plain(found) for found in _MAC.findall(text)]
    addresses += [f"lorawan:{mac[:6]}fffe{mac[6:]}" for mac in macs]
    if _ADDRESS.fullmatch(text):
        addresses.insert(0, text)
    elif not euis and not macs:
        addresses += [f"{ecosystem}:{text}" for ecosystem in ("native", "zigbee2mqtt")]
    parts = tuple(dict.fromkeys((*euis, *macs)))[:CANDIDATES_MAX]
    return DeviceCode((text,), tuple(dict.fromkeys(addresses))[:CANDIDATES_MAX], parts)


def _code_of_link(text: str) -> str:
    """The code behind `https://…/d/{code}`, of whatever host: the hub may have moved."""
    if not text.startswith(("http://", "https://", "/d/")):
        return ""
    try:
        path = urlsplit(text).path
    except ValueError:
        return ""
    head, mark, code = path.rpartition("/d/")
    return unquote(code.strip("/")) if mark and "/" not in code.strip("/") and head != code else ""


def _plain(found: str) -> str:
    return _NO_HEX.sub("", found.lower())


def _of_eui(eui: str, *, zigbee_first: bool) -> list[str]:
    both = [f"lorawan:{eui}", f"zigbee2mqtt:0x{eui}"]
    return both[::-1] if zigbee_first else both


def is_inside(part: str, address: str) -> bool:
    """Does an address hold these hex digits, however it parts them?"""
    return part in _NO_HEX.sub("", address.partition(":")[2].lower())
