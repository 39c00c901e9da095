"""Photos: sent before the act that names them, shown to those who work."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from dashboard_api.deps import CaseActor, DeviceReader, Parts, PartsDep
from dashboard_api.errors import Problem
from dashboard_api.order_shapes import PhotoOut
from hub import photos
from hub.database import for_writing
from hub.photos import NoPhoto, Photo

api = APIRouter(prefix="/api/v1/photos", tags=["orders"])

_STATUS = {"photo_too_large": 413, "photo_type": 415, "photo_damaged": 422, "no_room": 507}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}}
            for media in ("image/jpeg", "image/png", "image/webp")
        },
    }
}


@api.post("", status_code=201, openapi_extra=_BODY)
async def send_photo(request: Request, viewer: CaseActor, its: PartsDep) -> PhotoOut:
    """Send a photo as it is (the body is the file); the answer's `id` stands in an act's `photos`.

    It is made small and loses everything but its pixels: place, time, phone. The same photo sent
    again has the same id.
    """
    sent = await request.body()
    photo = await keep_photo(its, sent, viewer.actor)
    size = len(photo.content)
    return PhotoOut(id=photo.id, width=photo.width, height=photo.height, size=size)


async def keep_photo(its: Parts, sent: bytes, by: str | None) -> Photo:
    """Read, make small, write. Raises the problem that stands against it."""
    async with its.floods.decoding:
        try:
            return await asyncio.to_thread(_keep, its, sent, by)
        except NoPhoto as no:
            status = _STATUS[no.code]
            raise Problem(status, no.en, code=no.code, reason_zh=no.zh, reason_en=no.en) from no


def _keep(its: Parts, sent: bytes, by: str | None) -> Photo:
    with its.engine.connect() as connection:
        photos.check_room(connection, its.settings)
    photo, folder = photos.read_photo(sent, its.settings), photos.folder_of(its.settings)
    photos.write_file(folder, photo)
    with for_writing(its.engine).begin() as connection:
        photos.note(connection, photo, by, its.clock.now_ms())
    photos.write_file(folder, photo)  # it may have been forgotten between file and row
    return photo


@api.get("/{photo_id}", response_class=FileResponse)
def read_photo(photo_id: str, _viewer: DeviceReader, its: PartsDep) -> FileResponse:
    """A photo, for those who work; never for walls or without a log-in."""
    try:
        file = photos.file_of(photos.folder_of(its.settings), photo_id.removesuffix(".jpg"))
    except ValueError:
        file = None
    if file is None or not file.is_file():
        raise Problem(404, f"There is no photo {photo_id[:40]}.", code="no_such_photo")
    return FileResponse(file, media_type=photos.MEDIA_TYPE, content_disposition_type="inline")
