"""What people say for the words that the stores keep: states, severities, acts, reasons."""


def marked(text: str) -> str:
    """Mark a text for the catalogues; it is looked up when it is shown."""
    return text


LABELS = {
    # severities
    "emergency": marked("Emergency"),
    "urgent": marked("Urgent"),
    "warning": marked("Warning"),
    "notice": marked("Notice"),
    # categories
    "welfare": marked("Welfare"),
    "security": marked("Security"),
    "fault": marked("Fault"),
    "maintenance": marked("Maintenance"),
    "all": marked("All"),
    # states of a case
    "raised": marked("Raised"),
    "answered": marked("Answered"),
    "dispatched": marked("Dispatched"),
    "on_site": marked("On site"),
    "dealt_with": marked("Dealt with"),
    "called_back": marked("Called back"),
    "closed": marked("Closed"),
    # lines of a case's story
    "again": marked("Happened again"),
    "ended": marked("No longer so"),
    "taken_back": marked("Taken back"),
    "answer": marked("Answer"),
    "dispatch": marked("Dispatch"),
    "arrive": marked("Arrived"),
    "note": marked("Note"),
    "confirm": marked("Confirm"),
    "close": marked("Close"),
    "shelve": marked("Shelve"),
    "refused": marked("Refused"),
    "opened": marked("Opened"),
    "changed": marked("Changed"),
    # outcomes
    "real_need": marked("Real need"),
    "mistake": marked("Pressed by mistake"),
    "test": marked("Test"),
    "mended": marked("Mended"),
    "no_fault_found": marked("No fault found"),
    "other": marked("Other"),
    "ended_by_itself": marked("Ended by itself"),
    # families
    "button": marked("Button"),
    "door": marked("Door"),
    "counter": marked("Counter"),
    "gateway": marked("Gateway"),
    # notices
    "waiting": marked("Waiting"),
    "sent": marked("Sent"),
    "given_up": marked("Given up"),
    "down": marked("Answer at the button"),
    "log": marked("Log"),
    "mqtt": marked("MQTT"),
    "webhook": marked("Webhook"),
    # why somebody cannot be reached
    "never_heard": marked("never heard of"),
    "silent": marked("silent for too long"),
    "offline": marked("offline"),
    "gateway_offline": marked("its gateway is offline"),
    # health
    "green": marked("well"),
    "yellow": marked("in trouble"),
    "red": marked("broken"),
    # parts of the hub
    "archive": marked("Time series"),
    "broker-buttons": marked("Buttons' connection"),
    "broker-others": marked("Broker"),
    "dashboard": marked("Pages"),
    "deliver": marked("Notices"),
    "deliver-down": marked("Notices: buttons"),
    "deliver-log": marked("Notices: log"),
    "deliver-mqtt": marked("Notices: MQTT"),
    "deliver-webhook": marked("Notices: webhook"),
    "hub": marked("Hub"),
    "ingest": marked("Receiving"),
    "journal": marked("Disk"),
    # roles
    "admin": marked("Administrator"),
    "staff": marked("Staff"),
    "crew": marked("Crew"),
    "wall": marked("Wall screen"),
    "program": marked("Program"),
}

POINT_LABELS = {
    "press": marked("Press"),
    "contact": marked("Door contact"),
    "tamper": marked("Tampering"),
    "vibration": marked("Vibration"),
    "uses": marked("Uses"),
    "rep": marked("Repetitions"),
    "openings": marked("Openings"),
    "in": marked("People in"),
    "out": marked("People out"),
    "battery": marked("Battery"),
    "battery_v": marked("Battery voltage"),
    "battery_low": marked("Battery low"),
    "rssi": marked("Signal"),
    "snr": marked("Signal to noise"),
    "lqi": marked("Link quality"),
    "temperature": marked("Temperature"),
    "humidity": marked("Humidity"),
    "alive": marked("Sign of life"),
    "online": marked("Online"),
    "undecodable": marked("Message that cannot be read"),
}

WORD_LABELS = {
    "open": marked("open"),
    "closed": marked("shut"),
    "sos": marked("SOS"),
    "single": marked("single press"),
    "double": marked("double press"),
    "triple": marked("triple press"),
    "quadruple": marked("quadruple press"),
    "many": marked("many presses"),
    "long": marked("long press"),
    "cancel": marked("cancelled"),
    "test": marked("Test"),
}

# From these values up it is good, fair; below it is bad. Rough figures of our own over all radios:
# they tell where to look first, nothing is judged by them.
_GOOD_FAIR = {"rssi": (-90, -110), "snr": (0, -10), "lqi": (100, 50)}


def quality_of(point: str, value: float) -> str | None:
    """How good a signal is, as a text of the catalogues; None for what is no signal."""
    if point not in _GOOD_FAIR:
        return None
    good, fair = _GOOD_FAIR[point]
    if value >= good:
        return marked("good")
    return marked("fair") if value >= fair else marked("bad")
