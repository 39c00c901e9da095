"""Which points are events: they happen, and are not "so" in between. All others are states."""

# A repetition, a press, a press of a device that is being tested, a message of a known device that
# could not be decoded, a total that grew by more than can be true.
_EVENTS = ("press", "rep", "test_press", "undecodable", "alive", "jump")
# States that only grow: something happened when they did.
_TOTALS = ("uses", "openings", "in", "out")
# States that are a sign of somebody each time that they are said to be true.
_SIGNS = ("motion", "occupancy", "vibration")
# What is measured, or says something of the device: it changes without anybody doing something.
MEASURES = (
    "battery", "battery_v", "battery_low", "rssi", "snr", "lqi", "temperature", "humidity", "alive",
    "online", "undecodable", "signal_worse", "jump", "chatter", "ghost", "test_press",
)  # fmt: skip


def is_event(point: str) -> bool:
    """`press`, `rep`, `rep_2`, …"""
    return point in _EVENTS or point.partition("_")[0] == "rep"


def repetitions_of(point: str) -> str | None:
    """The event that counts up a total: `uses` -> `rep`, `uses_2` -> `rep_2`."""
    total, _, channel = point.partition("_")
    if total != "uses":
        return None
    return f"rep_{channel}" if channel else "rep"


# What any device, or the hub about it, may say beside what its family is for.
COMMON_POINTS = frozenset((
    "alive", "online", "tamper", "vibration", "motion", "occupancy", "temperature", "humidity",
    "battery", "battery_v", "battery_low", "rssi", "snr", "lqi", "undecodable", "chatter", "ghost",
    "signal_worse", "test_press", "jump",
))  # fmt: skip
# What a family is for. Drivers for this family alone say nothing else; a device of many uses may,
# and a rule about it names its driver or the device.
FAMILY_POINTS = {
    "button": frozenset(("press", "sos", "uses", "rep")),
    "door": frozenset(("contact", "openings", "uses", "rep", "in", "out", "people")),
    "counter": frozenset(("uses", "rep", "in", "out", "people", "openings")),
    "gateway": frozenset(),
    "site": frozenset(),
    "phone": frozenset(),
    "channel": frozenset(),
}
# The words of points that have some, as drivers say them.
POINT_WORDS = {
    "press": (
        "sos", "single", "double", "triple", "quadruple", "many", "long", "fall", "cancel", "test",
    ),
    "contact": ("open", "closed"),
}  # fmt: skip


def bare_point(point: str) -> str:
    """Without the number of its channel: `uses_2` -> `uses`."""
    name, _, channel = point.rpartition("_")
    return name if name and channel.isdigit() else point


def is_total(point: str) -> bool:
    """`uses`, `uses_2`, `openings`, …"""
    return point.partition("_")[0] in _TOTALS


def is_sign(point: str) -> bool:
    """`motion`, `motion_2`, `occupancy`, …"""
    return point.partition("_")[0] in _SIGNS
