"""The real servers that other tests rely on."""

import contextlib

import psycopg2
import pytest
import redis

from harmony_app.tests.servers import Postgres


@pytest.mark.postgres
def test_every_database_is_new_and_empty(postgres: Postgres) -> None:
    first, second = postgres.new_database(), postgres.new_database()
    for url in (first, second):
        with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE once (number integer)")


def test_redis_keeps_a_value(redis_url: str) -> None:
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        client.set("word", "kept")
        assert client.get("word") == b"kept"
