"""The address of the pages before they are served."""

import re
import socket

import pytest

from hub.pages import require_free, split_address
from hub.settings import WrongSetting


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_an_address_that_is_taken_is_told_with_another(host: str) -> None:
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    with socket.create_server((bare, 0), family=family) as other:
        http = f"{host}:{other.getsockname()[1]}"
        with pytest.raises(WrongSetting, match=re.escape(f"such as HUB_HTTP={host}:")):
            require_free(http)
    require_free(http)


def test_a_host_that_is_not_this_machine_is_told() -> None:
    with pytest.raises(WrongSetting, match=r"HUB_HTTP: 192\.0\.2\.1:8000: "):
        require_free("192.0.2.1:8000")


def test_an_address_in_brackets_is_taken_apart() -> None:
    assert split_address("[::1]:8000") == ("::1", 8000)
