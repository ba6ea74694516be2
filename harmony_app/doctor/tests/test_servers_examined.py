"""The doctor with real servers: PostgreSQL, Redis and a worker, in good and in bad state."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from attribution.worker_signs import KEY, NAMES
from harmony_app.tests.servers import ROOT, LiveSite, Postgres, private_folder, running_postgres

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

Examined = dict[str, list[dict[str, str]]]


@pytest.fixture
def folder() -> Iterator[Path]:
    with private_folder() as folder:
        yield folder


def examined(site: LiveSite, **environment: str) -> tuple[int, Examined]:
    """Run `manage.py doctor --json`; returns its status and its findings by check."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=ROOT,
        env={**os.environ, **site.environment, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout, done.stderr
    found: Examined = {}
    for row in json.loads(done.stdout):
        found.setdefault(row["check"], []).append(row)
    return done.returncode, found


def states(found: Examined, check: str) -> set[str]:
    return {row["state"] for row in found[check]}


def test_a_durable_postgres_is_ok_and_a_careless_one_is_not(postgres: Postgres, folder: Path) -> None:
    careless = LiveSite(folder, postgres.new_database(), 1)
    careless.manage("migrate", "--verbosity", "0")
    status, found = examined(careless)
    assert status == 1
    assert [row["text"] for row in found["durability"] if row["state"] == "fail"] == [
        "PostgreSQL has fsync=off",
        "PostgreSQL has full_page_writes=off",
        "PostgreSQL has synchronous_commit=off",
    ]
    with running_postgres(is_durable=True) as server:
        durable = LiveSite(folder, server.new_database(), 1)
        durable.manage("migrate", "--verbosity", "0")
        status, found = examined(durable)
    assert (status, states(found, "durability"), states(found, "clock")) == (0, {"ok"}, {"ok"})


def test_a_database_without_tables_is_said_and_the_rest_is_looked_at(postgres: Postgres, folder: Path) -> None:
    status, found = examined(LiveSite(folder, postgres.new_database(), 1))
    assert status == 1
    assert found["migrations"][0]["remedy"] == "run `manage.py migrate`"
    assert states(found, "media") == {"ok"}
    assert "does not answer (ProgrammingError)" in found["studies"][0]["text"]


def test_a_database_that_is_away_is_said_without_its_password(folder: Path) -> None:
    site = LiveSite(folder, "postgresql://harmony:hunter2secret@127.0.0.1:9/harmony", 1)
    status, found = examined(site)
    assert status == 1
    assert states(found, "database") == {"fail"}
    assert states(found, "disk") <= {"ok", "warn", "fail"}
    assert "hunter2secret" not in json.dumps(found)
    assert site.environment["SECRET_KEY"] not in json.dumps(found)


def test_a_broker_that_forgets_or_throws_away_is_said(redis_url: str, folder: Path) -> None:
    site = LiveSite(folder, None, 1)
    site.manage("migrate", "--verbosity", "0")
    client: Any = redis.Redis.from_url(redis_url)
    client.config_set("maxmemory-policy", "allkeys-lru")
    _, found = examined(site, CELERY_BROKER_URL=redis_url)
    assert [row["state"] for row in found["broker"]] == ["ok", "warn", "fail"]
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("appendonly", "yes")
    try:
        _, found = examined(site, CELERY_BROKER_URL=redis_url)
        assert states(found, "broker") == {"ok"}
    finally:
        client.config_set("appendonly", "no")


def test_a_broker_that_is_away_is_said(folder: Path) -> None:
    site = LiveSite(folder, None, 1)
    site.manage("migrate", "--verbosity", "0")
    status, found = examined(site, CELERY_BROKER_URL="redis://:hunter2secret@127.0.0.1:9/0")
    assert status == 1
    assert states(found, "broker") == {"fail"}
    assert "hunter2secret" not in json.dumps(found)


def test_workers_that_are_needed_are_looked_for_and_queues_counted(redis_url: str, folder: Path) -> None:
    site = LiveSite(folder, None, 1)
    site.manage("migrate", "--verbosity", "0")
    variables = {"CELERY_BROKER_URL": redis_url, "HARMONY_REPORT_WORKER": "true"}
    _, found = examined(site, **variables)
    assert [row["text"] for row in found["workers"]] == ["no worker serves the queue reports"]
    client: Any = redis.Redis.from_url(redis_url)
    client.rpush("gpu", *range(1001))
    try:
        _, found = examined(site, **variables)
        assert "1001 tasks wait in gpu" in found["queues"][0]["text"]
    finally:
        client.delete("gpu")
    sign = {"name": "reports@test", "queues": ["reports"], "device": "", "pid": 1}
    sign["started"] = "2026-01-01T00:00:00+00:00"
    client.set(f"{KEY}reports@test", json.dumps(sign), ex=60)
    client.sadd(NAMES, "reports@test")
    _, found = examined(site, **variables)
    assert states(found, "workers") == {"ok"}


def test_the_plain_list_says_what_to_do_and_ends_with_one(folder: Path) -> None:
    site = LiveSite(folder, None, 1)
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=ROOT,
        env={**os.environ, **site.environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "fail  migrations: " in done.stdout
    assert "      -> run `manage.py migrate`" in done.stdout
