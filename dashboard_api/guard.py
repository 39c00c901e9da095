"""Around every request: how large its body may be, and what browsers are told to forbid."""

import re
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard_api.errors import problem_response
from hub.settings import Settings

# Nothing but our own files; no script or style in a page's text. Swagger's icons are data: images.
_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


FORM_BYTES = 65_536  # what a form with photos may have beside them


def bodies_of_photos(settings: Settings) -> dict[str, int]:
    """Paths whose bodies are photos, as expressions, and how large they may be."""
    one, several = settings.photo_bytes_max, settings.report_photos_max * settings.photo_bytes_max
    return {"/api/v1/photos": one, "/d/[^/]+/report": several + FORM_BYTES}


class Guard:
    """ASGI middleware: a body over `body_bytes_max` is a 413, every answer has the headers.

    `larger`: paths, as expressions, of which a body may have more.

    The framework's own limit answers a declared length in plain text, hence this one.
    """

    def __init__(
        self, app: ASGIApp, body_bytes_max: int, larger: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._larger = [(re.compile(path), most) for path, most in (larger or {}).items()]
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kept = "no-cache" if scope["path"].startswith("/static/") else "no-store"

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_SECURITY_HEADERS, "Cache-Control": kept}.items():
                    headers[name] = value
            await send(message)

        declared, most = Headers(scope=scope).get("content-length", ""), self._most(scope["path"])
        if declared.isdigit() and int(declared) > most:
            response = problem_response(413, _words(most))
            await response(scope, receive, send_guarded)
        else:
            await self._app(scope, self._counted(receive, most), send_guarded)

    def _most(self, path: str) -> int:
        theirs = (most for pattern, most in self._larger if pattern.fullmatch(path))
        return next(theirs, self._body_bytes_max)

    def _counted(self, receive: Receive, most: int) -> Receive:
        taken = 0

        async def receive_counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413, _words(most))
            return message

        return receive_counted


def _words(most: int) -> str:
    return f"A body may have {most} bytes at most."
