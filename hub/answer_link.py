"""A link that answers one case as one contact, once, without logging in.

Its token is the number of the notice that carries it and a signature (HMAC-SHA256, 128 bits) over
that notice's case, contact and moment; whoever was not told cannot make one. The key lies in the
data folder, made at its first use, for the hub's processes and nobody else. A link is good for
`answer_link_s` after its notice; whether it was used stands beside the notice.
"""

import hashlib
import hmac
import os
import re
import secrets
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub import private_files
from hub.database import notices
from hub.settings import WrongSetting
from rules.notice import Reason

KEY_FILE = "answer-link.key"
KEY_BYTES = 32
SIGNATURE_BYTES = 16
_TOKEN = re.compile(r"([1-9][0-9]{0,17})-([A-Za-z0-9_-]{22})")


class Asked(NamedTuple):
    """A contact who is asked to answer a case: a notice of the outbox.

    `answer_seq`: the command by which it was answered, if the link was used.
    """

    id: int
    case_id: str
    recipient: str
    created_ms: int
    answer_seq: int | None = None


def read_key(folder: Path) -> bytes:
    """The key of the data folder, made if there is none. Raises `WrongSetting`."""
    file = folder / KEY_FILE
    try:
        if not file.exists():
            _make_key(folder, file)
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise WrongSetting(f"{file}: cannot be used as the key of answer links: {error}") from error
    if len(key) != KEY_BYTES:
        raise WrongSetting(
            f"{file}: expected {KEY_BYTES} bytes in hexadecimal; remove it for a new"
        )
    return key


def _make_key(folder: Path, file: Path) -> None:
    """Whole or not at all: another process or thread may be making it in the same moment."""
    new = folder / f"{KEY_FILE}.{secrets.token_hex(8)}"
    private_files.make_file(new)
    new.write_text(secrets.token_hex(KEY_BYTES), encoding="ascii")
    with suppress(FileExistsError):
        os.link(new, file)
    new.unlink()


def token_of(key: bytes, asked: Asked) -> str:
    """The token of a notice: `4711-` and 22 characters."""
    told = f"answer\n{asked.id}\n{asked.case_id}\n{asked.recipient}\n{asked.created_ms}"
    digest = hmac.new(key, told.encode(), hashlib.sha256).digest()[:SIGNATURE_BYTES]
    return f"{asked.id}-{urlsafe_b64encode(digest).decode().rstrip('=')}"


def find(connection: Connection, key: bytes, token: str) -> Asked | None:
    """Who is asked by this token; None for one that is not ours."""
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return None
    query = sa.select(*(notices.c[name] for name in Asked._fields)).where(
        notices.c.id == int(parts[1]),
        notices.c.reason == str(Reason.CALL),
        notices.c.recipient.is_not(None),
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    asked = Asked(*row)
    return asked if hmac.compare_digest(token_of(key, asked), token) else None


def use(connection: Connection, notice_id: int, seq: int) -> bool:
    """Note the command by which a link was used; False: it was used before."""
    unused = notices.c.id == notice_id, notices.c.answer_seq.is_(None)
    return connection.execute(notices.update().where(*unused).values(answer_seq=seq)).rowcount == 1
