"""A process that forks others, with the common libraries already imported: a child in 0.05 s.

It is a script that imports nothing of Podium until it is told where that is. A request is one
message on the socket that is its stdin: JSON that says what to import, with the three streams of a
child, or without any where one is expected soon. It ends when the socket does, and its children
with it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module

_MESSAGE = 1 << 18  # bytes


def serve(control: socket.socket) -> None:
    """Import what is asked for; fork a child for streams, and answer with its process ID."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system takes the dead away
    while True:
        message, streams, _, _ = socket.recv_fds(control, _MESSAGE, 3)
        if not message:
            os._exit(0)  # nothing here needs to be taken apart
        request = json.loads(message)
        sys.path[:] = request["path"]
        before = len(sys.modules)
        for name in request["modules"]:
            with suppress(Exception):  # the child says what is missing, if it needs it at all
                import_module(name)
        if len(sys.modules) > before:
            gc.collect()
            gc.freeze()  # else the children would copy all pages as soon as they collect
        if not streams:
            continue
        process = os.fork()
        if not process:
            _become(control, streams)
        for stream in streams:
            os.close(stream)
        try:
            control.send(str(process).encode())
        except OSError:  # whoever asked is gone
            os._exit(0)


def _become(control: socket.socket, streams: list[int]) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    control.detach()  # it is stdin, which the next line closes
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    try:
        from podium.execution import child

        child.main()
    finally:
        os._exit(1)


if __name__ == "__main__":
    serve(socket.socket(fileno=0))
