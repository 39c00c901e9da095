"""The channel `log`: one line of logging for each notice, JSON after the word `notice`."""

import logging

import msgspec

from hub.outbox import Notice

log = logging.getLogger(__name__)


class LogChannel:
    """Tells the log. Always succeeds."""

    name = "log"

    async def ready(self) -> None:
        """Always: the log is there."""

    async def send(self, notice: Notice) -> None:
        """Write one line; the body stays the JSON that the judge made."""
        line = {
            "notice": notice.id,
            "case": notice.case_id,
            "role": notice.role,
            "reason": notice.reason,
            "body": msgspec.Raw(notice.body_json.encode()),
        }
        log.info("notice %s", msgspec.json.encode(line).decode())
