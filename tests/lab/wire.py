"""What goes over a link of a lab host, seen from within: whether known words of a guest's memory are in it.

A guest's memory holds its kernel's banner many times over. Where a migration goes in the clear it is on the wire.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vmferry.lab.layout import Layout

BANNER = "Linux version "

_PROGRAM = """
import json, select, socket, sys
word, link = sys.argv[1].encode(), sys.argv[2]
line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
line.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
line.bind((link, 0))
print("ready", flush=True)
seen = size = 0
while True:
    readable, _, _ = select.select([line, sys.stdin], [], [])
    if line in readable:
        data = line.recv(1 << 17)
        size += len(data)
        seen += data.count(word)
    elif sys.stdin in readable:
        break
print(json.dumps({"words": seen, "bytes": size}))
"""


@dataclass(slots=True)
class Wire:
    """What went over the link while it was watched; both 0 until it is not any more."""

    words: int = 0
    bytes: int = 0


@contextmanager
def watched(lab: Layout, host: str, link: str = "mig0", word: str = BANNER) -> Iterator[Wire]:
    namespace = ["ip", "netns", "exec", lab.namespace(host)]
    wire = Wire()
    with subprocess.Popen(
        [*namespace, sys.executable, "-c", _PROGRAM, word, link],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield wire
            told = json.loads(process.communicate("", timeout=60)[0])
            wire.words, wire.bytes = told["words"], told["bytes"]
        finally:
            process.kill()
