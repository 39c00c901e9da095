"""Which points are events: they happen, and are not "so" in between. All others are states."""

# A repetition, a press, a message of a known device that could not be decoded.
_EVENTS = ("press", "rep", "undecodable", "alive")


def is_event(point: str) -> bool:
    """`press`, `rep`, `rep_2`, …"""
    return point in _EVENTS or point.partition("_")[0] == "rep"


def repetitions_of(point: str) -> str | None:
    """The event that counts up a total: `uses` -> `rep`, `uses_2` -> `rep_2`."""
    total, _, channel = point.partition("_")
    if total != "uses":
        return None
    return f"rep_{channel}" if channel else "rep"
