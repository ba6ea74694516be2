"""The site's health under gunicorn while its PostgreSQL and Redis are stopped, frozen and started again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from harmony_app.local_servers import answers_redis, free_port, redis_command
from harmony_app.tests.browser import Browser, Reply
from harmony_app.tests.servers import LiveSite, Postgres, Server, private_folder, running_postgres, running_site, until

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

# Five times the longest limit of a part, since the machine may be busy; a client waits for 60.
BOUND_SECONDS = 25.0


@dataclass
class Whole:
    site: LiveSite
    postgres: Postgres
    redis: Server
    redis_url: str

    def ask(self, path: str = "/readyz") -> Reply:
        return Browser(self.site.url).get(path)

    def ask_until(self, is_wanted: Callable[[Reply], bool], path: str = "/readyz") -> Reply:
        deadline = time.monotonic() + 60
        while not is_wanted(reply := self.ask(path)):
            assert time.monotonic() < deadline, reply.body
            time.sleep(0.2)
        return reply

    def freeze(self, server: Server, how: signal.Signals) -> None:
        assert server.process is not None
        os.killpg(server.process.pid, how)

    def start_redis(self) -> None:
        self.redis.launch()
        until(self.redis, lambda: answers_redis(self.redis_url))


def status(name: str, wanted: str) -> Callable[[Reply], bool]:
    return lambda reply: bool(reply.json()["parts"][name]["status"] == wanted)


def whole_is(number: int, word: str) -> Callable[[Reply], bool]:
    """Whether the whole site is said to be so; on a busy machine a part that is well may be late at first."""
    return lambda reply: (reply.status, reply.json()["status"]) == (number, word)


@pytest.fixture(scope="module")
def whole() -> Iterator[Whole]:
    with running_postgres() as postgres, private_folder() as folder, pytest.MonkeyPatch.context() as patch:
        port = free_port()
        redis = Server(redis_command(folder, port, {"save": ""}), folder / "redis.log")
        url = f"redis://127.0.0.1:{port}/0"
        patch.setenv("CELERY_BROKER_URL", url)
        with running_site(postgres.new_database()) as site:
            whole = Whole(site, postgres, redis, url)
            whole.start_redis()
            try:
                yield whole
            finally:
                redis.end()


def test_a_site_with_all_its_servers_is_ready(whole: Whole) -> None:
    reply = whole.ask_until(whole_is(200, "ok"))
    assert status("broker", "ok")(reply)


def test_without_redis_the_site_is_degraded_and_well_again_afterwards(whole: Whole) -> None:
    whole.redis.end()
    reply = whole.ask_until(whole_is(200, "degraded"))
    assert status("broker", "failed")(reply)
    whole.ask_until(lambda reply: reply.status == 200, "/healthz")
    whole.start_redis()
    whole.ask_until(lambda reply: reply.json()["status"] == "ok")


def test_a_frozen_redis_does_not_hang_the_answers(whole: Whole) -> None:
    whole.freeze(whole.redis, signal.SIGSTOP)
    try:
        began = time.monotonic()
        whole.ask_until(status("broker", "failed"))
        for path in ("/readyz", "/metrics"):
            whole.ask_until(lambda reply: reply.status == 200, path)
        assert time.monotonic() - began < 2 * BOUND_SECONDS
        whole.ask_until(lambda reply: b"harmony_broker_up 0.0" in reply.body, "/metrics")
    finally:
        whole.freeze(whole.redis, signal.SIGCONT)
    whole.ask_until(status("broker", "ok"))


def test_without_postgresql_the_site_is_not_ready_and_says_so(whole: Whole) -> None:
    whole.postgres.stop()
    try:
        reply = whole.ask_until(status("database", "failed"))
        assert (reply.status, reply.json()["status"]) == (503, "failed")
        # The other process of the server knows it a second later.
        whole.ask_until(lambda reply: reply.status == 503, "/healthz")
        metrics = whole.ask_until(lambda reply: b"harmony_database_up 0.0" in reply.body, "/metrics")
        assert metrics.status == 200
    finally:
        whole.postgres.start()
    whole.ask_until(lambda reply: reply.status == 200)


def test_a_page_without_a_database_still_tells_its_number(whole: Whole) -> None:
    whole.postgres.stop()
    try:
        reply = whole.ask("/join/some-token/")
        assert reply.status == 500
        assert reply.headers["X-Request-ID"] in reply.body.decode()
        assert "Something went wrong on our side" in reply.body.decode()
    finally:
        whole.postgres.start()
    whole.ask_until(lambda reply: reply.status == 200)


def test_a_frozen_postgresql_does_not_hang_the_answers(whole: Whole) -> None:
    whole.freeze(whole.postgres.server, signal.SIGSTOP)
    try:
        began = time.monotonic()
        reply = whole.ask_until(status("database", "failed"))
        assert reply.status == 503
        assert time.monotonic() - began < BOUND_SECONDS
        time.sleep(1.5)  # For as long as the other process believes what it found before.
        for path, wanted in (("/healthz", 503), ("/readyz", 503), ("/metrics", 200)):
            began = time.monotonic()
            assert whole.ask(path).status == wanted
            assert time.monotonic() - began < BOUND_SECONDS
    finally:
        whole.freeze(whole.postgres.server, signal.SIGCONT)
    whole.ask_until(lambda reply: reply.status == 200)
