"""Who is known to the judge: devices of the register, strangers, ghosts, the hub's own parts.

Also what the pages look at of each, the rows of `latest`, and which of them have changed. Without
I/O; nothing here is bounded by itself: the register and the door say who is kept (`make_room`).
"""

from collections.abc import Container, Iterable, Mapping, Set
from dataclasses import replace
from typing import Any, NamedTuple

from device_drivers.reading import Reading
from hub.canary import DEVICE as CANARY
from hub.canary import THE_CANARY
from hub.cases import encode
from hub.device_facts import THE_SITE, facts_of, facts_of_ghost, facts_of_stranger
from hub.devices import Device, Devices
from hub.ghosts import Ghost
from hub.journal import GATEWAY, PRESS, Entry, flags_of_time, time_from
from hub.own_parts import facts_of_part
from rules.facts import DeviceFacts
from rules.judge import SITE, Judge

# Points whose change a page is told of at once; the others it asks for.
_SHOWN = ("contact", "press", "tamper", "online", "battery_low", "vibration")


class Seen(NamedTuple):
    """When something was last heard of a device, by which gateway, and the flags of that entry."""

    heard_ms: int
    gateway: str | None
    flags: int | None = None


class Roll:
    """The judge's devices with what is kept beside them."""

    def __init__(self, judge: Judge, devices: Devices) -> None:
        self.judge = judge
        self.devices = devices
        self.facts: dict[str, DeviceFacts] = {}  # by the judge's name of the device
        self.seen: dict[str, Seen] = {}
        self._renewed: list[str] = []
        self._shown: dict[str, tuple[Any, ...]] = {}
        self._gone: list[str] = []
        self.know(THE_SITE)
        self.know(THE_CANARY)
        for device in devices.by_id.values():
            self.know(facts_of(device))

    def know(self, facts: DeviceFacts) -> None:
        """A device is known from now on, or something about it is."""
        self.judge.know(facts)
        self.facts[facts.id] = self.judge.facts_of(facts.id)

    def register_changed(
        self, known: Iterable[Device], ghosts: Iterable[Ghost], seq: int, now_ms: int
    ) -> None:
        """Somebody changed the register."""
        self.devices.replace(known, ghosts)
        # A gateway that nobody had registered goes by its bare name.
        gateways = {
            one.address.partition(":")[2]
            for one in self.devices.by_id.values()
            if one.family == "gateway"
        }
        for device_id in [one for one in self.facts if self._has_left(one, gateways)]:
            self._forget(device_id)
        for device in self.devices.by_id.values():
            self.know(facts_of(device))
        self._lay_ghosts(seq, now_ms)

    def _has_left(self, device_id: str, gateways: Set[str]) -> bool:
        """It was taken out of the register, or is in it under another name now.

        A stranger is none the worse for others being registered: what is open of it stays open.
        """
        devices, facts = self.devices, self.facts[device_id]
        own = device_id in (SITE, CANARY) or facts_of_part(device_id) is not None
        if device_id in devices.by_id or own:
            return False
        return facts.registered or device_id in devices.by_address or device_id in gateways

    def _lay_ghosts(self, seq: int, now_ms: int) -> None:
        """Of whom no ghost is left that speaks, none speaks any more."""
        for device_id in self.devices.by_id:
            haunted = self.judge.latest(device_id).get("ghost", (False, 0))[0]
            if haunted and not self.devices.ghosts.haunt(device_id):
                laid = (Reading("ghost", False, now_ms),)
                self.judge.hear(seq, device_id, now_ms, laid, True)
                self.judge.insist(device_id)

    def swapped(self, device_id: str, seq: int, now_ms: int) -> None:
        """Another device has taken its place: from now on its silence counts.

        It is not heard yet: who asks what is proven of it must not take the old one's word.
        """
        if device_id in self.facts:
            self.seen[device_id] = Seen(0, None)
            self.judge.swapped(seq, facts_of(self.devices.by_id[device_id]), now_ms)
            self.facts[device_id] = self.judge.facts_of(device_id)
            self._renewed.append(device_id)

    def take_renewed(self) -> list[dict[str, Any]]:
        """Rows of `latest` that must not wait: until then the old device's word looks proven."""
        renewed, self._renewed = self._renewed, []
        return [self._latest_row(device_id) for device_id in renewed if device_id in self.facts]

    def make_room(self, name: str) -> None:
        """A stranger, or a gateway, that is not kept any more: nothing of it stays."""
        facts = self.facts.get(name)
        if facts is not None and not facts.registered and name != SITE:
            self._forget(name)

    def _forget(self, device_id: str) -> None:
        del self.facts[device_id]
        self.seen.pop(device_id, None)
        self._shown.pop(device_id, None)
        self.judge.forget(device_id)
        self._gone.append(device_id)

    def take_gone(self) -> list[str]:
        """Devices that were forgotten since the last call: their rows are to be removed."""
        gone, self._gone = self._gone, []
        return gone

    def meet(self, entry: Entry) -> None:
        """A sender that is not in the register: judged for emergencies only, but for our own."""
        assert entry.device is not None
        own = facts_of_part(entry.device)
        if own is not None:
            self.know(own)
            return
        ghost = self.devices.ghosts.get(entry.device)
        if ghost is not None:
            self.know(facts_of_ghost(ghost, self.devices.by_id.get(ghost.device)))
            return
        family = "button" if entry.flags & PRESS else "gateway" if entry.flags & GATEWAY else ""
        self.know_stranger(entry.device, family)

    def know_stranger(self, device_id: str, family: str) -> None:
        """A sender that nobody registered."""
        self.know(facts_of_stranger(device_id, family))

    def know_gateways(self, names: Iterable[str]) -> None:
        """Gateways that nobody registered: what is behind them must know them before it is judged.

        Other strangers are taken up when they speak; a gateway that is gone may never speak.
        """
        for name in names:
            if name not in self.facts:
                self.know_stranger(name, "gateway")

    def know_parts(self, names: Iterable[str]) -> None:
        """Phones and channels of which was spoken before this run."""
        for name in names:
            own = facts_of_part(name)
            if own is not None:
                self.know(own)

    # -- what pages look at ----------------------------------------------------------------------

    def latest_rows(
        self, devices_max: int, watched: Container[str]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of `latest` for devices that spoke, and rows of `changes` where a state changed.

        At the `watched` ones somebody stands and waits for whatever they say.
        """
        rows, told = [], []
        for device_id in self.judge.take_changed_devices(devices_max):
            if device_id == CANARY:
                continue  # no page shows it as a device
            row = self._latest_row(device_id)
            rows.append(row)
            points = self.judge.latest(device_id)
            shown = tuple(points.get(point) for point in _SHOWN)
            if device_id in watched or self._shown.get(device_id) != shown:
                self._shown[device_id] = shown
                who = {name: row[name] for name in ("device", "heard_ms", "gateway")}
                body = encode({**who, "points": dict(points)})
                change = {"kind": "device", "key": device_id, "body_json": body}
                told.append({**change, "at_ms": row["heard_ms"]})
        return rows, told

    def _latest_row(self, device_id: str) -> dict[str, Any]:
        seen = self.seen.get(device_id, Seen(0, None))
        facts = self.facts.get(device_id)
        return {
            "device": device_id,
            "heard_ms": seen.heard_ms,
            "gateway": (facts.gateway if facts else None) or seen.gateway,
            "points_json": encode(self.judge.latest(device_id)),
            "time_from": None if seen.flags is None else time_from(seen.flags),
        }

    def seen_before(self, rows: Iterable[Mapping[Any, Any]]) -> None:
        """Take in what an earlier run had written to `latest`."""
        for device_id in self.facts:
            self.facts[device_id] = self.judge.facts_of(device_id)
        for row in rows:
            flags = flags_of_time(row["time_from"])
            self.seen[row["device"]] = Seen(row["heard_ms"], row["gateway"], flags)
            facts = self.facts.get(row["device"])
            if facts is not None and facts.gateway is None and row["gateway"] is not None:
                self.know(replace(facts, gateway=row["gateway"]))
