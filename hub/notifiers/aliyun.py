"""The kinds `aliyun-sms` and `aliyun-voice`: SMS and calls by 阿里云's own SDK (extra `aliyun`).

Confirmed by `Code` "OK", which says that the service has taken it, not that a phone has rung; so a
notice is noted as unconfirmed. Templates are approved by the service beforehand; the file says
which field of a message each of a template's variables is.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, NamedTuple

from ruamel.yaml.comments import CommentedMap

from hub import mistakes
from hub.deliver import UNCONFIRMED, GiveUp, TryAgain
from hub.mistakes import Wrong, nearest
from hub.notifiers.channels_file import whole
from hub.notifiers.kind import Carrier, Entry, Kind, Recipient, TooFast, Tools
from hub.notifiers.limiter import Limits
from hub.notifiers.robot import WORDS_BYTES_MAX
from hub.notifiers.wording import CUT, FIELDS, Message, cut
from hub.settings import WrongSetting
from hub.yaml_file import as_text

SMS, VOICE = "aliyun-sms", "aliyun-voice"
EXTRA = "aliyun"
VALUE_CHARACTERS_MAX = 35  # of a template's variable; longer is isv.PARAM_LENGTH_LIMIT
_SEPARATORS = str.maketrans("", "", " -()")

# help.aliyun.com, documents 101346 (SMS) and 178344 (voice). All others will never be: wrong
# signature, template, number, no money, no right.
_TOO_FAST = frozenset(
    {"isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"}
)
_AGAIN = frozenset({"isp.SYSTEM_ERROR", "isp.UNKNOWN", "isp.GATEWAY_ERROR", "isv.VOICE_CALL_FAIL"})
_SERVER_ERROR = 500

Call = Callable[[str, str], Awaitable[Any]]


class Sdk(NamedTuple):
    """Which module of the SDK, which request, which call."""

    module: str
    request: str
    call: str
    endpoint: str


_SDKS = {
    SMS: Sdk(
        "alibabacloud_dysmsapi20170525",
        "SendSmsRequest",
        "send_sms_with_options_async",
        "dysmsapi.aliyuncs.com",
    ),
    VOICE: Sdk(
        "alibabacloud_dyvmsapi20170525",
        "SingleCallByTtsRequest",
        "single_call_by_tts_with_options_async",
        "dyvmsapi.aliyuncs.com",
    ),
}


class AliyunPhone:
    """Sends to phones; an address is a number."""

    def __init__(self, entry: Entry, tools: Tools) -> None:
        self._entry = entry
        self._tools = tools
        self._sdk = _SDKS[entry.kind]
        try:
            self._client, self._models, self._runtime = _client(entry, self._sdk, tools)
        except ImportError as error:
            raise WrongSetting(
                f"channel {entry.name}: the packages of the extra {EXTRA} are missing "
                f"({error.name}); install them: pip install 'community-hub[{EXTRA}]'"
            ) from error

    async def carry(self, message: Message, to: tuple[Recipient, ...]) -> str:
        """See `Carrier`."""
        number = (to[0].address or "").translate(_SEPARATORS)
        if not number.removeprefix("+").isdigit():
            raise GiveUp("no phone number: the way's `to` or the role's phone is to name one")
        request = getattr(self._models, self._sdk.request)(**self._request(message, number))
        call = getattr(self._client, self._sdk.call)
        try:
            answer = await call(request, self._runtime)
        except Exception as error:  # the SDK has no common ground below it
            raise _failed(error) from error
        _check(answer.body.code, answer.body.message)
        return UNCONFIRMED

    def _request(self, message: Message, number: str) -> dict[str, Any]:
        entry = self._entry
        values = {
            variable: _short(message.fields.get(name, ""))
            for variable, name in entry.get("params", {}).items()
        }
        told = json.dumps(values, ensure_ascii=False)
        if entry.kind == SMS:
            return {
                "phone_numbers": number,
                "sign_name": entry.get("sign_name"),
                "template_code": entry.get("template"),
                "template_param": told,
            }
        return {
            "called_number": number,
            "called_show_number": entry.get("caller"),
            "tts_code": entry.get("template"),
            "tts_param": told,
            "play_times": entry.get("play_times", 3),
        }


def _client(entry: Entry, sdk: Sdk, tools: Tools) -> tuple[Any, Any, Any]:
    """The SDK's client, its models and how long it may take. Raises ImportError."""
    config_of = import_module("alibabacloud_tea_openapi.utils_models").Config
    client_of = import_module(f"{sdk.module}.client").Client
    models = import_module(f"{sdk.module}.models")
    runtime_of = import_module("darabonba.runtime").RuntimeOptions
    endpoint = entry.get("endpoint", f"https://{sdk.endpoint}")
    protocol, _, host = endpoint.rpartition("://")
    config = config_of(
        access_key_id=entry.secrets["access_key_id"],
        access_key_secret=entry.secrets["access_key_secret"],
        endpoint=host,
        protocol=protocol or "https",
    )
    limit_ms = round(tools.timeout_s * 1_000)
    runtime = runtime_of(autoretry=False, read_timeout=limit_ms, connect_timeout=limit_ms)
    return client_of(config), models, runtime


def _short(value: str) -> str:
    if len(value) <= VALUE_CHARACTERS_MAX:
        return value
    return value[: VALUE_CHARACTERS_MAX - 1] + CUT


def _check(code: str | None, words: str | None) -> None:
    if code == "OK":
        return
    reason = f"{code}: {cut(' '.join(str(words or '').split()), WORDS_BYTES_MAX)}"
    if code in _TOO_FAST:
        raise TooFast(reason)
    raise TryAgain(reason) if code in _AGAIN else GiveUp(reason)


def _failed(error: Exception) -> Exception:
    """What an exception of the SDK means. Its own words may hold the whole request."""
    code, status = getattr(error, "code", None), getattr(error, "status_code", None)
    reason = f"{type(error).__name__}: {code}" if code else type(error).__name__
    if str(code).startswith("Throttling"):
        return TooFast(reason)
    if isinstance(status, int) and 400 <= status < _SERVER_ERROR:
        return GiveUp(reason)
    return TryAgain(reason)


def _params(value: Any) -> dict[str, str]:
    if not isinstance(value, CommentedMap) or not value:
        raise Wrong(f"expected the template's variables, each with one of {', '.join(FIELDS)}")
    for variable, name in value.items():
        if name not in FIELDS:
            near = nearest(str(name), FIELDS)
            raise Wrong(f"{variable}: expected {', '.join(FIELDS)}, not {name!r}{near}")
    return {str(variable): str(name) for variable, name in value.items()}


@asynccontextmanager
async def _open(entry: Entry, tools: Tools) -> AsyncIterator[Carrier]:
    yield AliyunPhone(entry, tools)


_KEYS = {
    "template": (True, as_text(mistakes.name)),
    "params": (True, _params),
    "endpoint": (False, as_text(mistakes.text)),
}
_SECRETS = {"access_key_id": True, "access_key_secret": True}

ALIYUN_SMS = Kind(
    SMS,
    keys={**_KEYS, "sign_name": (True, as_text(mistakes.text))},
    secrets=_SECRETS,
    limits=Limits(
        pause_s=60.0, source="help.aliyun.com, document 101346: set in the service's console"
    ),
    merges=False,
    open=_open,
)
ALIYUN_VOICE = Kind(
    VOICE,
    keys={
        **_KEYS,
        "caller": (False, as_text(mistakes.phone)),
        "play_times": (False, whole(1, 3)),
    },
    secrets=_SECRETS,
    limits=Limits(
        pause_s=60.0,
        source="help.aliyun.com, document 178344: to one number once a minute, 5 an hour, 20 a day",
    ),
    merges=False,
    open=_open,
)
