"""The addresses of all pages that people see, from the app's own routes: none can be forgotten."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from dashboard_api.app import create_app
from hub.clock import SystemClock
from hub.database import open_engine
from hub.local_series import LocalSeries
from hub.settings import Settings
from hub.site import Site

# Not pages of their own, or not for people who are logged in.
LEFT_OUT = re.compile(r"^/(fragments/|language/|a/|docs$|login$)")


def page_routes() -> list[str]:
    """The pages' addresses as the app knows them, such as `/cases/{case_id}`."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'routes.db'}")
        settings = Settings(data_dir=Path(folder))
        app = create_app(settings, SystemClock(), engine, LocalSeries(settings, "demo"), Site())
        engine.dispose()
        return sorted(_pages_of(app.routes))


def _pages_of(routes: Any) -> Iterator[str]:
    for route in routes:
        if hasattr(route, "original_router"):  # included with `include_router`
            yield from _pages_of(route.original_router.routes)
        if not isinstance(route, APIRoute) or "GET" not in (route.methods or ()):
            continue
        kind = getattr(route.response_class, "value", route.response_class)
        if kind is HTMLResponse and not LEFT_OUT.match(route.path) and ".csv" not in route.path:
            yield route.path.replace(":path}", "}")


def filled_in(routes: list[str], examples: Mapping[str, str]) -> dict[str, str]:
    """Each route with its address once something stands in its places."""
    for route in routes:
        missing = [name for name in re.findall(r"{(\w+)}", route) if name not in examples]
        assert not missing, f"{route}: say in the examples what stands for {missing}"
    return {route: route.format_map(examples) for route in routes}
