"""Decentlab sensors: version, device id, flags, then words for each flag. Two bytes a word.

The flags tell which groups of words follow, the model how many words each group has. Facts: the
maker's decoders in github.com/decentlab/decentlab-decoders, one for each model.
"""

from collections.abc import Callable, Mapping

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

VERSION = 2
HEAD_SIZE = 5
WORD = 2
BATTERY = 1  # words, in a group of its own: the last one, of two models the first
BATTERY_FIRST = ("iam", "pm")

Words = list[int]
Read = Callable[[Words], list[Reading]]

# By model: how many words each group has, the battery's among them.
GROUPS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("epar", "fspar", "ifd", "ilt", "isd", "par", "pyr"), (1, 1)),
    **dict.fromkeys(("10hs", "ds18", "dlr2003", "dlr2004"), (1, 1)),
    **dict.fromkeys(("5tm", "alb", "blg", "itst", "lpw", "lws", "mbx", "zn1"), (2, 1)),
    **dict.fromkeys(("pr21", "pr26", "pr36", "sht21", "sht35", "trs11", "trs21"), (2, 1)),
    **dict.fromkeys(("dlr2005", "dlr2006", "dlr2008", "dlr2009", "dlr2012"), (2, 1)),
    **dict.fromkeys(("5te", "dws", "gs3", "kl66", "trs12"), (3, 1)),
    **dict.fromkeys(("ctd10", "ctd10b", "pr36ctd", "rad", "rhc", "tbrg", "zn2"), (4, 1)),
    **dict.fromkeys(("mes5", "ntu", "optod", "pheht"), (5, 1)),
    **dict.fromkeys(("atm41", "atm41g2"), (17, 1)),
    **dict.fromkeys(("isf", "smtp", "tp"), (16, 1)),
    "dlr2002": (4, 1),
    "dlr2010": (4, 4, 1),
    "dlr2011": (1, 1, 1),
    "ds182": (2, 2, 1),
    "cws": (6, 1),
    "cws2": (2, 6, 1),
    "gmm": (7, 1),
    "atm22": (8, 1),
    "lid": (11, 1),
    "lid2": (12, 1),
    "wrm": (2, 2, 1),
    "sdd": (18, 18, 1),
    "lp8p": (2, 2, 8, 1),
    "ac": (2, 2, 2, 2, 2, 1),
    "iam": (1, 2, 1, 2, 3, 1, 1),
    "pm": (1, 10, 2, 1),
}


def _climate(words: Words) -> list[Reading]:
    """Degrees, then percent, each a share of the whole word."""
    return [
        reading("temperature", round(175 * words[0] / 65_535 - 45, 2)),
        reading("humidity", round(100 * words[1] / 65_535, 2)),
    ]


def _pulses(number: str) -> Read:
    """Pulses since the last frame, the time that they took, and the running total."""

    def read_pulses(words: Words) -> list[Reading]:
        return [
            reading(f"uses{number}", words[2] + (words[3] << 16)),
            reading(f"rep{number}", words[0]),
        ]

    return read_pulses


def _activity(words: Words) -> list[Reading]:
    """How often something moved since the last frame."""
    return [reading("motion", words[0] > 0)]


# By model: which of its groups are read, beside the battery.
READ: Mapping[str, Mapping[int, Read]] = {
    "dlr2002": {0: _pulses("")},
    "dlr2010": {0: _pulses("_1"), 1: _pulses("_2")},
    "iam": {1: _climate, 5: _activity},
    "lp8p": {0: _climate},
    "pm": {2: _climate},
    "sht21": {},
    "sht35": {0: _climate},
}


def _battery(words: Words) -> list[Reading]:
    return [reading("battery_v", words[0] / 1_000)]


def _model(name: str) -> str:
    """The model's own part of its name: `dl-iam` and `IAM` are the same."""
    own = name.removeprefix("decentlab")
    own = own if own.startswith("dlr2") else own.removeprefix("dl")
    return own if own in GROUPS else own.removesuffix("001").removesuffix("002")


def decode(frame: Frame) -> Found:
    """The groups that the flags name, by the model that the register knows."""
    payload = frame.payload or b""
    if len(payload) < HEAD_SIZE or payload[0] != VERSION:
        raise Unreadable(f"expected version {VERSION}, a device id and flags")
    model = _model(frame.model)
    groups = GROUPS.get(model)
    if groups is None:
        raise Unreadable(f"the model decides how this is read; {frame.model!r} is not known here")
    return Found(tuple(_read(model, groups, whole(payload[3:5]), payload[HEAD_SIZE:])))


def _read(model: str, groups: tuple[int, ...], flags: int, data: bytes) -> list[Reading]:
    there = [index for index in range(len(groups)) if flags >> index & 1]
    size = WORD * sum(groups[index] for index in there)
    if flags >> len(groups) or len(data) != size:
        raise Unreadable(f"the flags {flags:#x} promise {size} bytes, not {len(data)}")
    reads = dict(READ.get(model, {}))
    reads[0 if model in BATTERY_FIRST else len(groups) - 1] = _battery
    found: list[Reading] = []
    at = 0
    for index in there:
        end = at + WORD * groups[index]
        if index in reads:
            found += reads[index]([whole(data[one : one + WORD]) for one in range(at, end, WORD)])
        at = end
    return found


DRIVER = Driver(
    name="decentlab",
    families=("counter", "sensor"),
    maker="Decentlab",
    models=("dldlr2002*", "dldlr2010*", "dliam*", "*"),
    transport="lorawan",
    points=(
        "uses",
        "uses_1",
        "uses_2",
        "rep",
        "rep_1",
        "rep_2",
        "motion",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    cell="2xC to 2.0 V",
)
