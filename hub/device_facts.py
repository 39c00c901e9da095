"""What the rules may know of a device, a ghost, or a part of the hub itself, from the register."""

from hub.devices import NATIVE, Device, expected_silence_s
from hub.ghosts import Ghost
from rules.facts import DeviceFacts
from rules.judge import SITE

# Families of what carries the messages of others: their cases say what is behind.
CARRIERS = frozenset({"gateway", "site"})

# The site itself is a stranger: only grave rules judge it, and those of silence never should.
THE_SITE = DeviceFacts(SITE, "site", registered=False, name_zh="消息链路", name_en="link")


def facts_of(device: Device) -> DeviceFacts:
    """What the rules may know of a registered device."""
    silence_s = expected_silence_s(
        device.expected_silence_s, device.driver, device.learned_silence_s
    )
    return DeviceFacts(
        id=device.id,
        family=device.family,
        driver=device.driver,
        place=device.place,
        place_zh=device.place_zh,
        place_en=device.place_en,
        grid=device.grid,
        ground=device.ground,
        tags=device.tags,
        resident=device.resident_id,
        resident_tags=device.resident_tags,
        gateway=device.gateway,
        name_zh=device.name_zh,
        name_en=device.name_en,
        known_since_ms=device.added_ms or None,
        expected_silence_ms=silence_s * 1_000,
    )


def facts_of_ghost(ghost: Ghost, device: Device | None) -> DeviceFacts:
    """Of a device that was swapped for another: no device of ours, but where it used to hang.

    Only its press goes to the judge. Whoever presses is looked for at the old place first.
    """
    zh, en = "换下的旧设备", "swapped out before"
    if device is None:
        name = ghost.address.removeprefix(f"{NATIVE}:")
        return DeviceFacts(
            id=ghost.address, family=ghost.family, registered=False, name_zh=name, name_en=name
        )
    return DeviceFacts(
        id=ghost.address,
        family=ghost.family,
        registered=False,
        place=device.place,
        place_zh=f"{device.place_zh or device.name_zh}（{zh}）",
        place_en=f"{device.place_en or device.name_en} ({en})",
        grid=device.grid,
        ground=device.ground,
        resident=device.resident_id,
        resident_tags=device.resident_tags,
        name_zh=f"{device.name_zh}（{zh}）",
        name_en=f"{device.name_en} ({en})",
    )


def facts_of_stranger(device_id: str, family: str) -> DeviceFacts:
    """Of a sender that nobody registered; `family` is empty where nothing tells it."""
    name = device_id.removeprefix(f"{NATIVE}:")
    return DeviceFacts(id=device_id, family=family, registered=False, name_zh=name, name_en=name)
