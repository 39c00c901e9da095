"""The log of a process: one line an event on standard error."""

import logging

# Libraries that tell of every step; they speak up only when something is odd.
_TALKATIVE = ("httpx", "httpcore", "alembic", "aiomqtt")


def set_up_log() -> None:
    """Log from now on. Levels are INFO for the hub itself, WARNING for talkative libraries."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
