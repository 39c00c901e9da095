"""Photos of crews and of people who report: kept small, without EXIF, in the data folder.

A photo is decoded and written anew as JPEG: where it was taken, by which phone, and whatever else
a file may carry beside its pixels is gone. Its name is made of what is kept, so that the same photo
sent twice is one file. Only Pillow's decoders of JPEG, PNG and WebP are ever asked.

Bounds: `photo_bytes_max`, `photo_pixels_max`, `photo_side_pixels`, `photos_bytes_max`,
`photos_room_bytes_min`, `photos_keep_days`, `photos_unused_keep_h`.
"""

import hashlib
import os
import re
import secrets
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from hub import private_files
from hub.database import photos
from hub.journal import DAY_MS
from hub.settings import Settings

FOLDER = "photos"
FORMATS = ("JPEG", "PNG", "WEBP")
MEDIA_TYPE = "image/jpeg"
NAME = re.compile(r"[0-9a-f]{32}")
HOUR_MS = 3_600_000
_TOO_MANY_AT_ONCE = 400  # rows whose names stand in one statement


class NoPhoto(Exception):
    """What was sent cannot be kept; `code` for programs, the texts for people."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en


class Photo(NamedTuple):
    """A photo as it is kept."""

    id: str
    width: int
    height: int
    content: bytes


def folder_of(settings: Settings) -> Path:
    """Where the photos lie."""
    return settings.data_dir / FOLDER


def file_of(folder: Path, name: str) -> Path:
    """The file of a photo. Raises ValueError for what is no name of one."""
    if not NAME.fullmatch(name):
        raise ValueError(name)
    return folder / name[:2] / f"{name}.jpg"


# -- from what is sent to what is kept ------------------------------------------------------------


def read_photo(sent: bytes, settings: Settings) -> Photo:
    """The pixels of what somebody sent, made small. Raises `NoPhoto`."""
    if len(sent) > settings.photo_bytes_max:
        mb = settings.photo_bytes_max / 1e6
        zh, en = f"照片不能大于 {mb:.0f} MB", f"A photo may have {mb:.0f} MB at most."
        raise NoPhoto("photo_too_large", zh, en)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged EXIF is dropped anyway
            image = _decode(sent, settings)
            return _encode(image, settings)
    except NoPhoto:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise _unknown() from error
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError, IndexError) as error:
        zh, en = "照片已损坏，无法读取", "The photo is damaged."  # what decoders raise for it
        raise NoPhoto("photo_damaged", zh, en) from error


def _unknown() -> NoPhoto:
    zh, en = "请发送 JPEG、PNG 或 WebP 照片", "Send a photo as JPEG, PNG or WebP."
    return NoPhoto("photo_type", zh, en)


def _decode(sent: bytes, settings: Settings) -> Image.Image:
    """The head is looked at before a single pixel is unpacked."""
    opened = Image.open(BytesIO(sent), formats=FORMATS)
    width, height = opened.size
    if width * height > settings.photo_pixels_max:
        zh = f"照片像素过多（{width}×{height}）"
        raise NoPhoto("photo_too_large", zh, f"The photo has too many pixels: {width}×{height}.")
    side = settings.photo_side_pixels
    opened.draft("RGB", (side, side))  # a JPEG is unpacked at a half, a quarter or an eighth
    image = ImageOps.exif_transpose(opened)  # phones keep upright photos lying down
    image.thumbnail((side, side))
    return image


def _encode(image: Image.Image, settings: Settings) -> Photo:
    flat = Image.new("RGB", image.size, "white")  # nothing but pixels comes over
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        seen = image.convert("RGBA")
        flat.paste(seen, mask=seen.getchannel("A"))
    else:
        flat.paste(image.convert("RGB"))
    kept = BytesIO()
    flat.save(kept, "JPEG", quality=settings.photo_quality, optimize=True)
    content = kept.getvalue()
    return Photo(hashlib.sha256(content).hexdigest()[:32], *flat.size, content)


# -- files ----------------------------------------------------------------------------------------


def check_room(connection: Connection, settings: Settings) -> None:
    """Raise `NoPhoto` when photos have all the room that they may have."""
    used = connection.execute(sa.select(sa.func.sum(photos.c.size))).scalar() or 0
    free = shutil.disk_usage(settings.data_dir).free
    if used > settings.photos_bytes_max or free < settings.photos_room_bytes_min:
        raise _no_room()


def _no_room() -> NoPhoto:
    zh, en = "磁盘空间不足，照片未保存；可不带照片提交", "No room for photos; send it without one."
    return NoPhoto("no_room", zh, en)


def write_file(folder: Path, photo: Photo) -> None:
    """Put it on the disk, whole or not at all. Raises `NoPhoto` where there is no room."""
    file = file_of(folder, photo.id)
    if file.exists():
        return
    new = file.with_name(f"{photo.id}.{secrets.token_hex(4)}")
    try:
        private_files.make_folder(folder)
        private_files.make_folder(file.parent)
        private_files.make_file(new)
        with new.open("wb") as opened:
            opened.write(photo.content)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise _no_room() from error


def note(connection: Connection, photo: Photo, by: str | None, now_ms: int) -> None:
    """Its row. One that is sent again is looked after anew, and stays whose it was."""
    row = {"id": photo.id, "at_ms": now_ms, "by": by, "size": len(photo.content)}
    row |= {"width": photo.width, "height": photo.height}
    known = upsert(photos).values(row)
    connection.execute(
        known.on_conflict_do_update(index_elements=["id"], set_={"at_ms": known.excluded.at_ms})
    )


def unknown_of(connection: Connection, names: Iterable[str]) -> list[str]:
    """Those of the names that stand for no photo."""
    wanted = list(names)
    query = sa.select(photos.c.id).where(photos.c.id.in_(wanted))
    known = set(connection.execute(query).scalars())
    return [name for name in wanted if name not in known]


def use(connection: Connection, names: Iterable[str], seq: int) -> None:
    """These are named by the command of that number: they are kept now."""
    theirs = photos.update().where(photos.c.id.in_(list(names)), photos.c.seq.is_(None))
    connection.execute(theirs.values(seq=seq))


def forget(connection: Connection, folder: Path, settings: Settings, now_ms: int) -> int:
    """Remove what nobody named or what was kept long enough; how many went."""
    unused_ms = now_ms - settings.photos_unused_keep_h * HOUR_MS
    old_ms = now_ms - settings.photos_keep_days * DAY_MS
    unused = sa.and_(photos.c.seq.is_(None), photos.c.at_ms < unused_ms)
    query = sa.select(photos.c.id).where(sa.or_(unused, photos.c.at_ms < old_ms))
    gone = list(connection.execute(query.limit(_TOO_MANY_AT_ONCE)).scalars())
    connection.execute(photos.delete().where(photos.c.id.in_(gone)))
    for name in gone:
        file_of(folder, name).unlink(missing_ok=True)
    return len(gone)


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every kept photo by its name."""
    for file in sorted(folder.glob("??/*.jpg")):
        if NAME.fullmatch(file.stem):
            yield file.stem, file
