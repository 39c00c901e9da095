"""A child process that does not outlive its parent and that Ctrl-C does not reach by itself.

The child gets a session of its own: a terminal's Ctrl-C goes to the parent alone, which then ends
what it started in its own order. Should the parent be killed, the kernel ends the child (Linux;
elsewhere a killed parent leaves its child behind).
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence

LINE_BYTES_MAX = 65_536

# Runs before the program itself: a small process of its own, so that nothing of the parent's
# threads and locks is carried over a fork. 1 is PR_SET_PDEATHSIG; it holds over the exec.
_TIE_TO_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


async def start_child(
    arguments: Sequence[str],
    *,
    stdout: int | None = None,
    stderr: int | None = None,
    environment: Mapping[str, str] | None = None,
    line_bytes_max: int = LINE_BYTES_MAX,
) -> asyncio.subprocess.Process:
    """Start a program (an absolute path and its arguments) that ends with this process.

    `line_bytes_max`: the longest line that is read from its output.
    """
    if sys.platform == "linux":
        parent = str(os.getpid())
        arguments = [sys.executable, "-I", "-S", "-c", _TIE_TO_PARENT, parent, *arguments]
    return await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=environment,
        start_new_session=True,
        limit=line_bytes_max,
    )


async def end_child(process: asyncio.subprocess.Process, within_s: float) -> int:
    """Ask it to end; make it end when it has not done so in time. Its exit code."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(within_s):
            return await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return await process.wait()
