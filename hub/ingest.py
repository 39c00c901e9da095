"""Receive, know, decode, keep, answer, acknowledge: steps 1 to 5 of a reading's trip.

One loop per connection. A batch is what is waiting: it is opened (`Opener`), committed, answered
and only then acknowledged, in that order on one connection. A message that cannot be understood is
kept with its bytes and the reason; from a button it is an `undecodable` reading as well, because
somebody may have pressed.
"""

from asyncio import Future, sleep, wait, wrap_future
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from device_drivers.catalog import DriverOf, receive
from device_drivers.driver import Decoded, Documents, Refused
from device_drivers.message import Message
from device_drivers.points import POINTS
from device_drivers.reading import Reading
from hub import announcements as announcement_store
from hub import downlinks as downlink_store
from hub import gateways as gateway_store
from hub import ghosts, journal, strangers, trials
from hub.announcements import Announcements
from hub.canary import DEVICE as CANARY
from hub.canary import is_canary, marked
from hub.clock import Clock
from hub.clocks import CORRECTED, DOUBT, OWN, STILL, Verdict
from hub.counters import TOTALS, Sender
from hub.devices import NATIVE, Devices
from hub.downlinks import Downlinks
from hub.feed import Feed
from hub.gateways import Gateways, Word
from hub.ghosts import Ghost
from hub.journal import (
    BY_ID,
    CORRECTED_TIME,
    DAY_MS,
    DEVICE_TIME,
    GATEWAY,
    GATEWAY_TIME,
    NOTE,
    PRESS,
    READING,
    REFUSAL,
    RETAINED,
    STRANGER,
    WEAK,
    Entry,
)
from hub.mqtt import Link, Received
from hub.repeats import BY_TIME, Repeats, Trace, fingerprint
from hub.settings import Settings
from hub.site_link import SiteLink
from hub.strangers import Strangers
from hub.worth import COUNTS, LASTS, MANY, PRESSES, SOS, Worth, Writes, roles_of, write
from hub.writer import NORMAL, URGENT, Writer

BUTTONS, OTHERS = 0, 1  # the two connections, as `journal.link` names them

_CALLS = frozenset(("press", SOS))  # what is never made old
_NOTHING: Sequence[str] = ()
# Where `…/down` is what somebody tells a device, such as the hub itself; elsewhere it may be the
# name of a device, or of a key of a remote.
_TO_DEVICES = ("community/", "lorawan/")
_AS_SAID, _IN_DOUBT = Verdict(OWN), Verdict(DOUBT)

EVENTS = frozenset(name for name, point in POINTS.items() if point.kind == "event")

_read_json: Callable[[bytes], Any] = msgspec.json.decode

# The catalogue's `receive`, or one that knows drivers beside it.
Read = Callable[[Message, DriverOf, Documents], Decoded | Refused]

# What is made of every message is made by this: a NamedTuple's own call takes twice as long.
_new = tuple.__new__


@dataclass(slots=True)
class Opened:
    """What a batch came to: lines to keep, answers to send, how many were repeats."""

    arrived_ms: int
    link: int
    entries: list[Entry] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)  # the hub's own, with their entries
    repeats: int = 0
    left_out: int = 0  # of devices that talk too much
    announced: int = 0  # messages that only announced something: no word of a device
    canaries: list[str] = field(default_factory=list)  # presses of proof, by their ids
    writes: Writes = field(default_factory=list)  # what belongs into the same transaction


@dataclass(frozen=True, slots=True)
class Around:
    """What is known beside register and strangers: announcements, gateways, ways back, the link."""

    announcements: Announcements
    gateways: Gateways
    downlinks: Downlinks
    site: SiteLink

    @classmethod
    def of(cls, settings: Settings, devices: Devices, unknown: Strangers, now_ms: int) -> "Around":
        """Everything empty; `load` reads what an earlier run has kept."""
        known = Announcements(settings)
        site = SiteLink(
            gone_after_ms=round(settings.site_gone_s * 1_000),
            unheard_since_ms=now_ms,
            has_bridge=bool(settings.site_link_topic),
        )
        downlinks = Downlinks(devices, unknown, known.documents)
        return cls(known, Gateways(settings, devices), downlinks, site)

    def load(self, connection: Any, judge: str) -> None:
        """Read what an earlier run has kept; `judge` names the judge's cursor."""
        self.announcements.load(connection)
        self.gateways.load(connection)
        self.site.load(connection, judge)


class Opener:
    """Turns messages into journal entries; knows the register, the strangers and the repeats."""

    def __init__(
        self,
        settings: Settings,
        devices: Devices,
        repeats: Repeats,
        unknown: Strangers,
        around: Around,
        on_button_topic: Callable[[str], None] = lambda _topic: None,
        worth: Worth | None = None,
        read: Read = receive,
    ) -> None:
        self._settings = settings
        self._read = read
        self._announcements = around.announcements
        self._documents = around.announcements.documents
        self._gateways = around.gateways
        self._downlinks = around.downlinks
        self._site = around.site
        self._devices = devices
        self._repeats = repeats
        self._strangers = unknown
        self._on_button_topic = on_button_topic
        self._stamps: dict[str, int] = {}
        self.worth = Worth(settings) if worth is None else worth

    def open(self, messages: Sequence[Received], arrived_ms: int, link: int) -> Opened:
        """Open messages in their order. `arrived_ms` is the moment of all of them."""
        opened = Opened(arrived_ms, link)
        for message in messages:
            if message.topic.endswith("/down") and message.topic.startswith(_TO_DEVICES):
                continue
            self._open(message, opened)
        opened.writes = self.worth.take_writes(arrived_ms)
        return opened

    def due(self, now_ms: int) -> Opened:
        """What must be kept now though no message has come: words of devices that are thinned."""
        opened = Opened(now_ms, OTHERS, self.worth.chatter.due(now_ms))
        opened.writes = self.worth.take_writes(now_ms)
        return opened

    def _open(self, message: Received, opened: Opened) -> None:
        if message.topic == self._settings.site_link_topic:
            self._hear_of_site(message, opened)
            return
        result = self.decode(message)
        if isinstance(result, Refused):
            self._refuse(message, result, opened)
        elif not result.announcements or self._is_more(message, result, opened):
            self._accept(message, result, opened)
        else:
            opened.announced += 1

    def decode(self, message: Received) -> Decoded | Refused:
        """A message, understood or refused by the driver that the register names."""
        topic, payload = message.topic, message.payload
        size_max = self._settings.payload_bytes_max
        if message.size > size_max:
            sender = self._read(
                Message(topic, b"", message.retained), self._devices.driver_of, self._documents
            )
            reason = f"payload of {message.size} bytes; at most {size_max} (HUB_PAYLOAD_BYTES_MAX)"
            return Refused(reason, sender.address, sender.driver, sender.family)
        opened = _new(Message, (topic, payload, message.retained, _read_json))
        return self._read(opened, self._devices.driver_of, self._documents)

    def _hear_of_site(self, message: Received, opened: Opened) -> None:
        """The bridge's own word; `hub/supervise.py` writes what follows from it."""
        if not self._site.bridge_says(message.payload):
            reason = "the site's link: expected 1 or 0 (HUB_SITE_LINK_TOPIC)"
            self._note(message, reason, None, opened)

    # -- understood -------------------------------------------------------------------------------

    def _accept(self, message: Received, decoded: Decoded, opened: Opened) -> None:  # noqa: C901, PLR0912 - the hot path: each step in a function of its own would cost a twentieth
        _, address, family, readings, _, _, gateway, warnings, network_ms, _, _ = decoded
        arrived_ms, link = opened.arrived_ms, opened.link
        roles, place, said_ms = roles_of(readings, network_ms)
        # Who presses is a button, whatever its topic tells.
        device_id, flags = self._sender(address, "button" if roles >= PRESSES else family)
        proof = bool(flags & STRANGER) and is_canary(address, readings)
        if proof:
            device_id, gateway, published_ms, said_ms = CANARY, None, said_ms, None
            readings = (readings[0]._replace(at_ms=None),)  # proved is the way, not a clock
        elif flags or family == "gateway":
            self._look_at(message, decoded, device_id, flags, opened)
        if message.retained:
            self._accept_copy(message, decoded, device_id, flags, opened)
            return
        trace = self._trace(message, decoded, flags, opened)
        repeat = self._repeats.is_repeat(trace, redelivered=message.repeated, topic=message.topic)
        afresh = repeat and self._is_afresh(message, trace, roles, said_ms)
        if roles & PRESSES and (link == BUTTONS or not repeat):
            self._answer(message, decoded, opened)  # its own connection answers repeats too
        if repeat and not afresh:
            opened.repeats += 1
            return
        verdict = _AS_SAID
        if said_ms is not None:
            verdict = self._verdict(device_id, said_ms, network_ms, arrived_ms, afresh=afresh)
        readings, time_flag = self._timed(readings, device_id, arrived_ms, network_ms, verdict)
        notes: Sequence[str] = warnings
        if roles & LASTS:
            readings = self.worth.called(readings, address)
        if roles & COUNTS and not flags & STRANGER:
            one = -1 if roles & MANY else place
            readings, found = self._counted(readings, one, device_id, address, arrived_ms)
            notes = [*warnings, *found] if found else warnings
        gateway_id = None
        if gateway is not None:
            gateway_id = self._through(gateway, address, device_id, flags, opened)
        if proof:
            readings = marked(readings, decoded.id, published_ms)
            opened.canaries.append(decoded.id or "")
        elif flags & (STRANGER | PRESS):
            taken = self._look_closer(message, decoded, readings, gateway_id, opened)
            if taken is None:
                return
            readings = taken
        mark, sign, _, _, packet_id, _ = trace
        line = (0, READING, device_id, arrived_ms, readings, None, None,
                gateway_id, flags | sign | time_flag, mark, link, packet_id)  # fmt: skip
        if self._append(_new(Entry, line), roles, opened) and notes:
            self._note(message, "; ".join(notes), device_id, opened, NOTE)

    def _append(self, entry: Entry, roles: int, opened: Opened) -> bool:
        """Keep an entry, unless its device talks too much. A press is never left out."""
        chatter = self.worth.chatter
        kept: Entry | None = entry
        if roles >= PRESSES and _press_of(entry[4]) is not None:
            pass
        elif chatter.is_too_much(entry[2] or "", opened.arrived_ms):
            kept = chatter.thin(entry)
        elif chatter.talking:
            kept = chatter.release(entry)
        if kept is None:
            opened.left_out += 1
            return False
        opened.entries.append(kept)
        return True

    def _is_afresh(self, message: Received, trace: Trace, roles: int, said_ms: int | None) -> bool:
        """Is a press with the bytes of an old one another press, of a clock that stands still?"""
        late_ms = self._settings.clock_off_s * 1_000
        return (
            trace.of_button
            and bool(roles & PRESSES)
            and not message.repeated
            and said_ms is not None
            and self._repeats.is_afresh(trace, said_ms, late_ms)
        )

    def _counted(
        self,
        readings: tuple[Reading, ...],
        place: int,
        device_id: str,
        address: str,
        arrived_ms: int,
    ) -> tuple[tuple[Reading, ...], Sequence[str]]:
        """The house's totals, and what could not be true. `place`: of the only one; else -1."""
        device = self._devices.by_id.get(device_id)
        per_use = 1 if device is None else device.pulses_per_use or 1
        if place >= 0 and per_use == 1 and not self.worth.listens:
            went_on = self.worth.counters.go_on(readings, place, device_id, address, arrived_ms)
            if went_on is not None:
                return went_on, _NOTHING
        sender = _new(Sender, (device_id, address, per_use))
        return self.worth.counted(readings, sender, arrived_ms)

    def _look_closer(
        self,
        message: Received,
        decoded: Decoded,
        readings: tuple[Reading, ...],
        gateway: str | None,
        opened: Opened,
    ) -> tuple[Reading, ...] | None:
        """What is kept of a stranger's, a ghost's or a button's word; None: nothing for the judge.

        Of a ghost only a press goes on; of a button that is being tested one press is a test.
        """
        device = self._devices.by_address.get(decoded.address)
        if device is not None:
            if decoded.driver != NATIVE:
                pressed = _press_of(readings) is not None
                self._downlinks.heard(device.id, message.topic, pressed=pressed)
            trials = self._devices.trials
            return trials.take(device.id, readings, opened.arrived_ms, gateway)
        said = {"readings": readings, "gateway": gateway}
        if decoded.introduction is not None:
            named = (decoded.introduction,)
            self._announcements.keep(decoded.driver, named, opened.arrived_ms)
        if self._meet(message, decoded, said, opened):
            return readings
        return tuple(one for one in readings if one[0] == "press") or None

    def _accept_copy(
        self, message: Received, decoded: Decoded, device_id: str, flags: int, opened: Opened
    ) -> None:
        """What a broker kept and hands to whoever comes, on both connections.

        It is compared with other such copies only: its original may still be on its way.
        """
        mark = fingerprint(b"retained", message.topic.encode(), message.payload)
        of_button, link = flags & PRESS != 0, opened.link
        trace = Trace(mark, BY_ID, of_button, link, message.packet_id, opened.arrived_ms)
        # A gateway's word is never passed over: what it explains must not stay explained.
        if decoded.family != "gateway" and self._repeats.is_repeat(trace, redelivered=False):
            opened.repeats += 1
            return
        ghost = self._devices.ghosts.get(decoded.address) if flags & STRANGER else None
        if ghost is not None:
            why = f"a retained copy of {_ghost_of(ghost)}"
            self._note(message, why, device_id, opened, NOTE | RETAINED)
            return
        verdict = self.worth.clocks.look(device_id)
        readings, time_flag = self._timed(
            decoded.readings, device_id, opened.arrived_ms, decoded.network_ms, verdict
        )
        readings = self._without_events(message, device_id, readings, opened)
        if not flags & STRANGER:
            readings = self._looked_at(readings, device_id, decoded.address)
        flags |= RETAINED | BY_ID | time_flag
        arrived_ms = opened.arrived_ms
        opened.entries.append(
            Entry(0, READING, device_id, arrived_ms, readings, flags=flags, dedupe=mark, link=link)
        )

    def _answer(self, message: Received, decoded: Decoded, opened: Opened) -> None:
        if decoded.driver != NATIVE:
            return
        pressed = _press_of(decoded.readings)
        if pressed is not None:
            opened.answers.append(_heard(message.topic, decoded, pressed, opened.arrived_ms))

    def _sender(self, address: str, family: str | None) -> tuple[str, int]:
        device = self._devices.by_address.get(address)
        # A gateway may have the name of a device: what it says is no word of that.
        if device is not None and (family != "gateway" or device.family == family):
            return device.id, PRESS if device.family == "button" else 0
        ghost = self._devices.ghosts.get(address)
        if ghost is not None:
            return address, STRANGER | PRESS if ghost.family == "button" else STRANGER
        if family == "gateway":
            return self._gateways.name_of(address), STRANGER | GATEWAY
        return address, STRANGER | PRESS if family == "button" else STRANGER

    def _through(
        self, gateway: str, address: str, device_id: str, flags: int, opened: Opened
    ) -> str:
        """The id of the gateway that heard the device; if it was gone, it is back before that."""
        ecosystem, gateways, at_ms = (
            address[: address.index(":")],
            self._gateways,
            opened.arrived_ms,
        )
        gateway_id = gateways.id_of(ecosystem, gateway)
        if gateways.heard(gateway_id, ecosystem, None if flags & STRANGER else device_id, at_ms):
            entry, word = gateways.is_back(gateway_id, at_ms)
            opened.entries.append(entry)
            opened.words.append(word)
        return gateway_id

    def _look_at(
        self, message: Received, decoded: Decoded, device_id: str, flags: int, opened: Opened
    ) -> None:
        """Who is not simply a registered device that counts or opens."""
        if flags & PRESS and opened.link == OTHERS and decoded.driver != NATIVE:
            self._on_button_topic(message.topic)
        if decoded.family == "gateway" and any(one.point == "online" for one in decoded.readings):
            self._hear_gateway(message, decoded.address, device_id, opened)

    def _hear_gateway(
        self, message: Received, address: str, gateway_id: str, opened: Opened
    ) -> None:
        ecosystem, at_ms = address.partition(":")[0], opened.arrived_ms
        word = self._gateways.spoke(gateway_id, ecosystem, at_ms, copy=message.retained)
        if word is not None:
            opened.words.append(word)

    def _is_more(self, message: Received, decoded: Decoded, opened: Opened) -> bool:
        """Keep what it announces. Has it readings as well? Else it is no word of a device."""
        wrong = self._announcements.keep(decoded.driver, decoded.announcements, opened.arrived_ms)
        if wrong:
            self._note(message, "; ".join(wrong), None, opened, NOTE)
        return bool(decoded.readings)

    def _trace(self, message: Received, decoded: Decoded, flags: int, opened: Opened) -> Trace:
        if decoded.id is not None:
            mark, sign = fingerprint(decoded.address.encode(), decoded.id.encode()), BY_ID
        else:
            mark = fingerprint(message.topic.encode(), message.payload)
            sign = BY_TIME if self._has_time(decoded.readings, opened.arrived_ms) else WEAK
        of_button = flags & PRESS != 0
        found = (mark, sign, of_button, opened.link, message.packet_id, opened.arrived_ms)
        return _new(Trace, found)

    def _has_time(self, readings: tuple[Reading, ...], arrived_ms: int) -> bool:
        """Does a reading say when it happened, in a way that can be right?

        A clock that begins at the same moment after every sleep tells no message from another.
        """
        oldest_ms = arrived_ms - self._settings.readings_keep_days * DAY_MS
        return any(
            reading.at_ms is not None and oldest_ms < reading.at_ms <= arrived_ms
            for reading in readings
        )

    def _looked_at(
        self, readings: tuple[Reading, ...], device_id: str, address: str
    ) -> tuple[Reading, ...]:
        """A copy's totals, as far as they are news."""
        device = self._devices.by_id.get(device_id)
        sender = Sender(device_id, address, 1 if device is None else device.pulses_per_use or 1)
        look = self.worth.counters.look
        return tuple(look(one, sender) if one.point in TOTALS else one for one in readings)

    def _verdict(
        self,
        device_id: str,
        said_ms: int,
        network_ms: int | None,
        arrived_ms: int,
        *,
        afresh: bool,
    ) -> Verdict:
        """What a live message's own times are worth."""
        heard_ms = arrived_ms if network_ms is None else self._heard_ms(network_ms, arrived_ms)
        verdict = self.worth.clocks.judge(device_id, said_ms, heard_ms, arrived_ms)
        return _IN_DOUBT if afresh and verdict.what == OWN else verdict

    def _heard_ms(self, network_ms: int, arrived_ms: int) -> int:
        """When it was heard: by the network's clock if that can be right, else by the hub's."""
        oldest_ms = arrived_ms - self._settings.readings_keep_days * DAY_MS
        return network_ms if oldest_ms < network_ms <= arrived_ms else arrived_ms

    def _timed(
        self,
        readings: tuple[Reading, ...],
        device_id: str,
        arrived_ms: int,
        network_ms: int | None,
        verdict: Verdict,
    ) -> tuple[tuple[Reading, ...], int]:
        """Every reading gets a moment: its own if it can be right, else that of the arrival.

        Also a flag of the journal that says which.
        """
        oldest_ms = arrived_ms - self._settings.readings_keep_days * DAY_MS
        what = verdict[0]
        if what != OWN:
            readings = self._corrected(readings, network_ms, arrived_ms, verdict)
        stamp_ms = flag = 0
        timed = []
        for reading in readings:
            at_ms = reading[2]
            if at_ms is None or not oldest_ms < at_ms <= arrived_ms:
                stamp_ms = stamp_ms or self._stamp(device_id, arrived_ms)
                point, value, _, unit = reading
                reading = _new(Reading, (point, value, stamp_ms, unit))  # noqa: PLW2901
            elif at_ms != network_ms:
                flag = DEVICE_TIME
            elif not flag:
                flag = GATEWAY_TIME
            timed.append(reading)
        if flag == DEVICE_TIME and what == CORRECTED:
            flag = CORRECTED_TIME
        return tuple(timed), flag

    def _corrected(
        self,
        readings: tuple[Reading, ...],
        network_ms: int | None,
        arrived_ms: int,
        verdict: Verdict,
    ) -> tuple[Reading, ...]:
        """The readings with what their own times are worth; None: that of the arrival.

        Whenever it is in doubt whether a press is old, it is of now.
        """
        reference_ms = arrived_ms if network_ms is None else self._heard_ms(network_ms, arrived_ms)
        heard_ms = None if reference_ms == arrived_ms else reference_ms
        out = []
        for reading in readings:
            at_ms = reading.at_ms
            if at_ms is None or at_ms == network_ms:
                pass
            elif reading.point in _CALLS and not verdict.live:
                at_ms = None
            elif verdict.what == STILL:
                at_ms = heard_ms
            elif verdict.what == CORRECTED:
                at_ms = min(at_ms - verdict.offset_ms, reference_ms)
            out.append(reading._replace(at_ms=at_ms))
        return tuple(out)

    def _stamp(self, device_id: str, arrived_ms: int) -> int:
        """The moment of an arrival, later than the device's last: a whole backlog comes at once.

        Two uses of a machine in one millisecond would be taken for one.
        """
        stamps = self._stamps
        last_ms = stamps.get(device_id)
        if last_ms is None and len(stamps) >= self._settings.dedupe_messages_max:
            del stamps[next(iter(stamps))]
        stamp_ms = arrived_ms
        if last_ms is not None and 0 <= last_ms - arrived_ms < self._settings.stamp_ahead_ms_max:
            stamp_ms = last_ms + 1  # not after a step of the clock: it would run ahead for ever
        stamps[device_id] = stamp_ms
        return stamp_ms

    def _without_events(
        self,
        message: Received,
        device_id: str,
        readings: tuple[Reading, ...],
        opened: Opened,
    ) -> tuple[Reading, ...]:
        """A broker's retained copy tells how things stand; that something happened it cannot."""
        events = [reading.point for reading in readings if reading.point in EVENTS]
        if events:
            reason = f"a retained copy of an event is no event: {', '.join(events)}"
            self._note(message, reason, device_id, opened, NOTE | RETAINED)
        return tuple(reading for reading in readings if reading.point not in EVENTS)

    # -- not understood ---------------------------------------------------------------------------

    def _refuse(self, message: Received, refused: Refused, opened: Opened) -> None:
        arrived_ms, link = opened.arrived_ms, opened.link
        device_id, flags = None, 0
        if refused.address is not None:
            device_id, flags = self._sender(refused.address, refused.family)
        mark = fingerprint(message.topic.encode(), message.payload)
        of_button = bool(flags & PRESS)
        trace = Trace(mark, WEAK, of_button, link, message.packet_id, arrived_ms)
        if self._repeats.is_repeat(trace, redelivered=message.repeated, topic=message.topic):
            opened.repeats += 1
            return
        said = {"refused": refused.reason}
        to_note = not flags & STRANGER or self._meet(message, refused, said, opened)
        if device_id is not None and not flags & PRESS and self._is_thinned(device_id, arrived_ms):
            opened.left_out += 1
            return
        copied = RETAINED if message.retained else 0
        if to_note:
            self._note(message, refused.reason, device_id, opened, flags | copied)
        if flags & PRESS and not message.retained:
            readings = (Reading("undecodable", True, arrived_ms),)
            opened.entries.append(
                Entry(0, READING, device_id, arrived_ms, readings, flags=flags, link=link)
            )

    def _is_thinned(self, device_id: str, now_ms: int) -> bool:
        chatter = self.worth.chatter
        return chatter.is_too_much(device_id, now_ms) and chatter.thins_refusal(device_id, now_ms)

    def _hear_ghost(
        self, message: Received, ghost: Ghost, said: dict[str, Any], opened: Opened
    ) -> None:
        """It is kept as refused; that it speaks at all is told of the device that it was, once.

        As a copy, because it is no sign of life of its successor. A message without anything but
        `online: false` is its will, or what its network says of it: no word of its own.
        """
        reason, readings = said.get("refused"), said.get("readings")
        why = f"{_ghost_of(ghost)}: {reason}" if reason else _ghost_of(ghost)
        # What was understood has said all that it has to say: it is never read again.
        flags = (0 if reason else NOTE) | (RETAINED if message.retained else 0)
        self._note(message, why, ghost.address, opened, flags)
        if readings and all(one[:2] == ("online", False) for one in readings):
            return
        first = self._devices.ghosts.heard(ghost, opened.arrived_ms)
        if first and ghost.device in self._devices.by_id:
            haunted = (Reading("ghost", True, opened.arrived_ms),)
            opened.entries.append(
                Entry(
                    0, READING, ghost.device, opened.arrived_ms, haunted, flags=RETAINED,
                    link=opened.link,
                )
            )  # fmt: skip

    def _note(
        self,
        message: Received,
        reason: str,
        device_id: str | None,
        opened: Opened,
        flags: int = 0,
    ) -> None:
        body = {"topic": message.topic, "reason": reason, "bytes": message.size}
        raw = message.payload[: self._settings.raw_bytes_max]
        mark = fingerprint(message.topic.encode(), message.payload)
        opened.entries.append(
            Entry(
                0, REFUSAL, device_id, opened.arrived_ms, (), body, raw, None, flags | WEAK,
                mark, opened.link, message.packet_id,
            )
        )  # fmt: skip

    def _meet(
        self, message: Received, result: Decoded | Refused, said: dict[str, Any], opened: Opened
    ) -> bool:
        """Note a sender that is not registered. False: it is no stranger but a ghost."""
        address, family, driver = result.address, result.family, result.driver
        if address is None:
            return True
        ghost = self._devices.ghosts.get(address)
        if ghost is not None:
            self._hear_ghost(message, ghost, said, opened)
            return False
        at_ms = opened.arrived_ms
        self._strangers.met(address, message.topic, at_ms, said, family=family, driver=driver)
        return True


def _ghost_of(ghost: Ghost) -> str:
    return f"ghost of {ghost.device}, which was swapped for another device"


def _press_of(readings: Sequence[Reading]) -> Reading | None:
    for reading in readings:
        if reading[0] == "press":
            return reading
    return None


def _heard(topic: str, decoded: Decoded, pressed: Reading, arrived_ms: int) -> tuple[str, bytes]:
    """The answer to a native press, on the same device's `down`."""
    moment = pressed.at_ms if pressed.at_ms is not None else arrived_ms
    heard = decoded.answer if decoded.answer is not None else str(moment)
    return topic.removesuffix("/up") + "/down", msgspec.json.encode({"heard": heard})


class Commits:
    """Commits under way on any connection, so that a repeat can wait for its first copy's."""

    def __init__(
        self, writer: Writer, unknown: Strangers, devices: Devices, around: Around
    ) -> None:
        self._writer = writer
        self._strangers = unknown
        self._devices = devices
        self._announcements = around.announcements
        self._downlinks = around.downlinks
        self._under_way: set[Future[int]] = set()

    def waits(self) -> bool:
        """Has a message brought something that must be kept though it left no entry?"""
        return self._announcements.waits() or self._downlinks.waits()

    async def keep(
        self,
        entries: Sequence[Entry],
        rank: int,
        writes: Writes = [],  # noqa: B006 - only read
        words: Sequence[Word] = (),
    ) -> int:
        """Commit entries and all that came with them; the number of the first entry."""
        rows, gone = self._strangers.take_rows()
        haunting, tested = self._devices.ghosts.take_rows(), self._devices.trials.take_rows()
        announced, topics = self._announcements.take_rows(), self._downlinks.take_rows()

        def job(connection: Any) -> int:
            strangers.write(connection, rows, gone)
            write(connection, writes)
            ghosts.write(connection, haunting)
            trials.write(connection, tested)
            announcement_store.write(connection, announced)
            downlink_store.write(connection, topics)
            gateway_store.write_words(connection, words)
            return journal.append(connection, entries)

        future = wrap_future(self._writer.submit(job, rank=rank))
        self._under_way.add(future)
        try:
            return await future
        finally:
            self._under_way.discard(future)

    async def settled(self) -> None:
        """Return when what is under way now is on the disk."""
        if self._under_way:
            await wait(set(self._under_way))


async def ingest(
    link: Link,
    number: int,
    *,
    opener: Opener,
    commits: Commits,
    feed: Feed,
    settings: Settings,
    clock: Clock,
    count: Callable[[int, Opened], None] = lambda _number, _opened: None,
) -> None:
    """Take, keep, answer and acknowledge until cancelled."""
    rank = URGENT if number == BUTTONS else NORMAL
    age_s = 0.0 if number == BUTTONS else settings.batch_age_ms / 1000
    while True:
        batch = await link.take(settings.batch_messages_max, age_s)
        opened = opener.open(batch.messages, clock.now_ms(), number)
        if opened.repeats:
            await commits.settled()
        if opened.entries or opened.writes or opened.words or commits.waits():
            first_seq = await commits.keep(opened.entries, rank, opened.writes, opened.words)
            if opened.entries:
                feed.put(first_seq, opened.entries)
        for topic, payload in opened.answers:
            link.publish(batch, topic, payload)
        link.ack(batch)
        count(number, opened)


async def keep_due(
    *,
    opener: Opener,
    commits: Commits,
    feed: Feed,
    settings: Settings,
    clock: Clock,
    count: Callable[[int, Opened], None] = lambda _number, _opened: None,
    wait: Callable[[float], Awaitable[Any]] = sleep,
) -> None:
    """Keep what devices that are thinned have said, also when they fall silent, until cancelled."""
    while True:
        await wait(settings.chatter_keep_every_s)
        opened = opener.due(clock.now_ms())
        if opened.entries or opened.writes:
            first_seq = await commits.keep(opened.entries, NORMAL, opened.writes)
        if opened.entries:
            feed.put(first_seq, opened.entries)
            count(OTHERS, opened)


def remembered(connection: Any, settings: Settings) -> list[Trace]:
    """What the journal holds that a repeat could be a repeat of, oldest first."""
    rows = connection.exec_driver_sql(_TRACES, (PRESS, settings.dedupe_presses_max)).all()
    rows += connection.exec_driver_sql(_OTHER_TRACES, (PRESS, settings.dedupe_messages_max)).all()
    return [
        Trace(mark, flags & (WEAK | BY_ID), bool(flags & PRESS), link, packet, arrived)
        for mark, packet, flags, link, arrived in reversed(rows)
    ]


_TRACES = (
    "SELECT dedupe, packet_id, flags, link, arrived_ms FROM journal "
    "WHERE flags & ? AND flags & 2 AND dedupe IS NOT NULL ORDER BY seq DESC LIMIT ?"
)
_OTHER_TRACES = (
    "SELECT dedupe, packet_id, flags, link, arrived_ms FROM journal "
    "WHERE NOT flags & ? AND dedupe IS NOT NULL ORDER BY seq DESC LIMIT ?"
)
