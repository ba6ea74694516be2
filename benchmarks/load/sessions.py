"""What a simulated annotator asks of each site, without thinking time."""

import json
import time
from collections import Counter, deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from load.client import Reply, Session, request

# As in static/studies/trial-queue.js: trials kept ready beyond the one on the screen, and when more are asked for.
FULL, LOW = 5, 3
CSRF_TOKEN = "benchmark" * 3 + "token"
MOST_TRIES = 20
SLOTS = ("image", "left", "right")


@dataclass
class Tally:
    """What happened: the seconds of each finished trial, replies by status, and the answers that were acknowledged."""

    deadline: float = 0.0
    seconds: list[float] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    errors: int = 0
    received: int = 0
    acknowledged: list[tuple[int, str]] = field(default_factory=list)

    def trial(self, started: float) -> None:
        now = time.perf_counter()
        self.seconds.append(now - started)
        self.finished.append(now)

    def reply(self, reply: Reply, expected: tuple[int, ...]) -> bool:
        """Count a reply; returns whether it is one of those expected."""
        self.statuses[reply.status] += 1
        self.received += len(reply.body)
        if reply.status in expected:
            return True
        self.errors += 1
        return False


Step = Generator[bytes, Reply, Reply]


def _until(tally: Tally, asked: bytes, expected: tuple[int, ...]) -> Step:
    """Ask again until the reply is as expected, as the runner does; whatever else came counts as an error."""
    for _ in range(MOST_TRIES):
        reply = yield asked
        if tally.reply(reply, expected):
            return reply
    raise RuntimeError(f"replies {dict(tally.statuses)} to {asked[:200]!r}: {reply.body[:500]!r}")


class HarmonyAnnotator:
    """The runner: answers, gets further trials along with a reply when few are left, loads the next one's pictures."""

    def __init__(self, account: dict[str, Any], slug: str, tally: Tally, *, pictures: bool) -> None:
        self.account = account
        self.tally = tally
        self.pictures = pictures
        self.next_path = f"/api/v1/studies/{slug}/assignments/next/"
        self.cookies = f"{account['cookies']}; csrftoken={CSRF_TOKEN}"
        self.headers = (f"X-CSRFToken: {CSRF_TOKEN}", f"X-Annotator: {account['pk']}")
        self.known: set[str] = set()
        self.queue: deque[dict[str, Any]] = deque()

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        content = json.dumps(body).encode()
        return request("POST", path, cookies=self.cookies, headers=self.headers, body=content)

    def answer(self, trial: dict[str, Any]) -> tuple[str, bytes]:
        """Return an answer's UUID and the request that sends it."""
        uuid = uuid4().hex
        timing = {"decode_ms": 4.2, "frame_ms": 16.7, "viewport": [1280, 720], "pixel_ratio": 1, "input": "key"}
        body = {"uuid": uuid, "revision": trial["revision"], "choice": "left", "rt_ms": 900.5, "timing": timing}
        if len(self.queue) <= LOW:
            body["next"] = FULL + 1
        return uuid, self.post(f"/api/v1/assignments/{trial['token']}/responses/", body)

    def ask(self) -> Generator[bytes, Reply, None]:
        reply = yield from _until(self.tally, self.post(self.next_path, {"count": FULL + 1}), (200,))
        self.receive(reply)

    def receive(self, reply: Reply) -> None:
        """Take the trials of a reply, of which there may be none."""
        for trial in json.loads(reply.body).get("assignments", []):
            if trial["token"] not in self.known:
                self.known.add(trial["token"])
                self.queue.append(trial)

    def load(self, trial: dict[str, Any]) -> Generator[bytes, Reply, None]:
        for slot in SLOTS:
            yield from _until(self.tally, request("GET", trial["pictures"][slot], cookies=self.cookies), (200,))

    def session(self) -> Session:
        yield from self.ask()
        shown = self.queue.popleft()
        if self.pictures:
            yield from self.load(shown)
        yield None
        while time.perf_counter() < self.tally.deadline:
            started = time.perf_counter()
            uuid, asked = self.answer(shown)
            reply = yield from _until(self.tally, asked, (200, 201))
            self.tally.acknowledged.append((self.account["pk"], uuid))
            self.receive(reply)
            if not self.queue:
                yield from self.ask()
            if not self.queue:
                return
            shown = self.queue.popleft()
            if self.pictures:
                yield from self.load(shown)
            self.tally.trial(started)


class PublishedAnnotator:
    """A browser: follows the link of an answer through two redirects to the next page."""

    def __init__(self, account: dict[str, Any], groups: list[list[str]], first: int, tally: Tally) -> None:
        self.account = account
        self.tally = tally
        self.addresses = ["/trials/" + "/".join(group) for group in [*groups[first:], *groups[:first]]]

    def get(self, path: str) -> bytes:
        return request("GET", path, cookies=self.account["cookies"])

    def next_page(self, path: str) -> Generator[bytes, Reply, str | None]:
        """Go to the group's address and on to the trial; returns the trial's address, None where all are done."""
        reply = yield from _until(self.tally, self.get(path), (200, 302))
        address = reply.header("location")
        if address is not None:
            yield from _until(self.tally, self.get(address), (200,))
        return address

    def session(self) -> Session:
        group = self.addresses.pop(0)
        address = yield from self.next_page(group)
        yield None
        while address is not None and time.perf_counter() < self.tally.deadline:
            started = time.perf_counter()
            reply = yield self.get(f"{address}/neither")
            if self.tally.reply(reply, (302,)):
                self.tally.acknowledged.append((self.account["pk"], address.rpartition("/")[2]))
            # After an error page a person goes back and on. The vote may be there or not.
            address = yield from self.next_page(group)
            while address is None and self.addresses:
                group = self.addresses.pop(0)
                address = yield from self.next_page(group)
            self.tally.trial(started)
