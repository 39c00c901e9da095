"""May an address be listened at? Asked without letting anybody in."""

import os
import socket


def try_address(host: str, port: int) -> None:
    """Take the address for a moment. Raises OSError when it is taken or not this machine's.

    Nothing listens meanwhile: who waits for a server there would take the try for it.
    """
    [(family, kind, protocol, _name, address), *_] = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with socket.socket(family, kind, protocol) as probe:
        if os.name == "posix":  # elsewhere it would let two have the same address
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
