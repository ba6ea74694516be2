"""Steps from standard input, one JSON object a line, and events to standard output: a build on one machine.

A line ``{"task": "attribution.chunk", "kwargs": {...}}`` asks for a step; ``{"ended": "<step>"}`` says that it is over,
``{"events": [...]}`` what is told of it. The end of the input ends the process, and so does a device that failed:
another process may go on.
"""

import json
import os
import sys
import threading
from typing import IO, Any

from attribution.jobs.settings import make_bench
from attribution.jobs.telling import Event, NotSentError


def work(storage: str) -> None:
    """Carry out the steps that the input asks for. InputError where the environment or the address cannot be used."""
    # Only this module writes to the output: whatever else prints, libraries among it, goes to the log.
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lines = _Lines(told)

    def send(events: list[Event]) -> None:
        lines.write({"events": events})

    bench = make_bench({**os.environ, "HARMONY_BUILDS_URL": storage}, send, slot="local")
    for line in sys.stdin:
        asked = json.loads(line)
        kwargs: dict[str, Any] = asked["kwargs"]
        bench.carry_out(asked["task"].removeprefix("attribution."), **kwargs)
        bench.teller.flush()
        lines.write({"ended": kwargs["step"]})
        if bench.is_spoilt:
            break
    bench.teller.close()


class _Lines:
    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, content: dict[str, Any]) -> None:
        try:
            with self._lock:
                self._stream.write(json.dumps(content) + "\n")
                self._stream.flush()
        except BrokenPipeError as error:
            raise NotSentError("nobody listens any more") from error
