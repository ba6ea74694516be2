"""Annotators over HTTP who send again what was not acknowledged, and the count of what came of it."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from harmony_app.tests.browser import Browser, Reply
from harmony_app.tests.test_exactly_once import StudySite, answer_to
from studies.tests.bundles import write_bundle

PATIENCE_SECONDS = 120
# One process instead of three management commands: starting Python is most of the time.
ADD_STUDY = """
import json, pathlib, sys
import django
django.setup()
from studies.services import create_annotators, load_bundle, protocol_set
study = load_bundle(folder=pathlib.Path(sys.argv[1])).study
protocol_set(study=study, text=sys.argv[3], name="protocol of the test")
accounts = create_annotators(study=study, count=int(sys.argv[2]))
print(json.dumps([(account.username, account.password) for account in accounts]))
"""
PAGES = """
format = "harmony-protocol/1"

[[pages]]
kind = "consent"
title = "Taking part"
markdown = "You can stop at any time."

[[pages]]
kind = "trials"

[[pages]]
kind = "text"
key = "goodbye"
title = "Goodbye"
markdown = "Thank you."
"""
# With everything that a draw has to keep straight: places, catch trials, repeats, answers that are changed.
PROTOCOL = (
    PAGES
    + """
[trials]
annotators_per_trial = 4
per_annotator = 16
undo = true

[catch]
share = 0.1
make = 3

[repeats]
share = 0.1
distance = 4

[recruitment.code]
"""
)


class Person:
    """One annotator. What they gave is counted once for each answer, however often it had to be sent."""

    def __init__(self, browser: Browser, slug: str, seed: int = 0, urls: Sequence[str] = ()) -> None:
        self.browser = browser
        self.slug = slug
        self.urls = list(urls) or [browser.url]
        self.random = random.Random(seed)
        self.given: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()
        self.failures = 0
        self.on_failure: Callable[[], None] = lambda: None
        self.before_answer: Callable[[], None] = lambda: None
        self.think_seconds = 0.0

    def post(self, path: str, body: Any) -> Reply:
        """Post until a server has replied that it understood; every further try goes to the next server."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                reply = self.browser.post_json(path, body)
                if reply.status < 500:
                    return reply
                problem = f"{reply.status} {reply.body[:200]!r}"
            except (OSError, http.client.HTTPException) as error:
                problem = repr(error)
            self.failures += 1
            assert time.monotonic() < deadline, f"{path}: {problem}"
            self.on_failure()
            self.urls.append(self.urls.pop(0))
            self.browser.url = self.urls[0]
            time.sleep(0.1 + 0.2 * self.random.random())

    def asked(self, path: str, body: Any) -> Any:
        """Post what must succeed, and return the reply's JSON."""
        reply = self.post(path, body)
        assert reply.status in (200, 201), (path, reply.status, reply.body)
        return reply.json()

    def step(self) -> Any:
        return self.asked(f"/api/v1/studies/{self.slug}/steps/next/", {})["step"]

    def take_part(self) -> None:
        """Go from the first page to the end."""
        while (step := self.step())["kind"] != "finished":
            if step["kind"] == "page":
                self.complete(step["page"])
            else:
                self.answer_all()
        assert step["outcome"] == "completed"

    def complete(self, page: Any) -> None:
        answers = {"accepted": True} if page["kind"] == "consent" else {}
        body = {"uuid": str(uuid4()), "answers": answers, "digest": page["digest"], "shown_seconds": 1.5}
        self.asked(f"/api/v1/studies/{self.slug}/pages/{page['key']}/", body)

    def next(self, count: int = 3) -> Any:
        return self.asked(f"/api/v1/studies/{self.slug}/assignments/next/", {"count": count})

    def answer_all(self) -> None:
        """Answer trial after trial, each reply bringing the next ones; change an answer now and then."""
        reply = self.next()
        while reply.get("assignments"):
            previous = reply["previous"]
            if previous is not None and self.random.random() < 0.15:
                reply = self.answer(previous)
            else:
                reply = self.answer(reply["assignments"][0])
            time.sleep(self.think_seconds * self.random.random())

    def answer(self, assignment: Any) -> Any:
        self.before_answer()
        body = answer_to(assignment, self.random.choice(assignment["options"])) | {"next": 3}
        reply = self.post(f"/api/v1/assignments/{assignment['token']}/responses/", body)
        assert reply.status in (200, 201), (reply.status, reply.body)
        self.statuses[reply.status] += 1
        self.given[body["uuid"]] = body["choice"]
        return reply.json()


@dataclass(frozen=True)
class Count:
    """Answers that were acknowledged, stored, stored twice and lost, and the requests that had to be repeated."""

    given: int
    stored: int
    twice: int
    lost: int
    repeated: int

    def __str__(self) -> str:
        return (
            f"{self.given} given, {self.stored} stored, {self.twice} twice, {self.lost} lost;"
            f" {self.repeated} requests repeated"
        )


def people_of(
    study_site: StudySite, slug: str, number: int, *, images: int = 8, protocol: str = PROTOCOL
) -> list[Person]:
    """Add a study under a protocol, and return its annotators, logged in."""
    folder = write_bundle(study_site.site.folder / slug, slug=slug, images=images)
    accounts = study_site.site.python("-c", ADD_STUDY, str(folder), str(number), protocol)
    people = []
    for seed, (username, password) in enumerate(json.loads(accounts)):
        browser = Browser(study_site.site.url)
        browser.log_in(username, password)
        people.append(Person(browser, slug, seed))
    return people


def at_work(people: Sequence[Person], disturb: Callable[[], None], after: int) -> None:
    """Let all take part at the same time, and call `disturb` once this many answers have been given.

    Whoever would answer more waits until then, so that all of them are still at it.
    """
    is_disturbed = threading.Event()

    def wait_for_the_others() -> None:
        if sum(len(person.given) for person in people) >= after:
            is_disturbed.wait(PATIENCE_SECONDS)

    for person in people:
        person.think_seconds = 0.1
        person.before_answer = wait_for_the_others
    with ThreadPoolExecutor(len(people)) as pool:
        work = [pool.submit(person.take_part) for person in people]
        while sum(len(person.given) for person in people) < after and not all(one.done() for one in work):
            time.sleep(0.01)
        is_disturbed.set()
        disturb()
        for one in work:
            one.result()


def wait_for_failure(people: Sequence[Person]) -> None:
    """Wait until somebody had to repeat a request; what breaks nothing in a minute breaks nothing."""
    deadline = time.monotonic() + 60
    while not any(person.failures for person in people) and time.monotonic() < deadline:
        time.sleep(0.02)


def counted(study_site: StudySite, slug: str, people: Sequence[Person]) -> Count:
    """Compare what was given with what is stored, and check the whole study; prints the count."""
    given = {uuid: choice for person in people for uuid, choice in person.given.items()}
    stored = [(row[0], row[1]) for row in study_site.responses(slug)]
    known = Counter(uuid for uuid, choice in stored if given.get(uuid) == choice)
    count = Count(
        given=len(given),
        stored=len(stored),
        twice=len(stored) - len(known),
        lost=len(given.keys() - known.keys()),
        repeated=sum(person.failures for person in people),
    )
    print(f"{slug} on {study_site.site.database_url.partition(':')[0]}: {count}")
    assert study_site.site.manage("check_study", slug) == f"{slug}: consistent\n"
    assert (count.twice, count.lost, count.stored) == (0, 0, count.given)
    return count
