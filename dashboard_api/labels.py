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
