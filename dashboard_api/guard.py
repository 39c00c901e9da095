"""Around every request: how large its body may be, and what browsers are told to forbid."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard_api.errors import problem_response

# Nothing but our own files; no script or style in a page's text. Swagger's icons are data: images.
_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


class Guard:
    """ASGI middleware: a body over `body_bytes_max` is a 413, every answer has the headers.

    The framework's own limit answers a declared length in plain text, hence this one.
    """

    def __init__(self, app: ASGIApp, body_bytes_max: int) -> None:
        self._app = app
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

        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdigit() and int(declared) > self._body_bytes_max:
            response = problem_response(413, self._words())
            await response(scope, receive, send_guarded)
        else:
            await self._app(scope, self._counted(receive), send_guarded)

    def _counted(self, receive: Receive) -> Receive:
        taken = 0

        async def receive_counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._body_bytes_max:
                raise HTTPException(413, self._words())
            return message

        return receive_counted

    def _words(self) -> str:
        return f"A body may have {self._body_bytes_max} bytes at most."
