"""The site: its name in topics, its zone of time, what people call it."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

PLAIN_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Site:
    """One community. `id` stands in topics; `zone` is for `during` and for what people read."""

    id: str = "demo"
    zone: ZoneInfo = PLAIN_ZONE
    name_zh: str = "示范社区"
    name_en: str = "Demo community"
