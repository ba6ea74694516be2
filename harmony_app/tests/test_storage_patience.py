"""A bucket that hangs: what somebody waits for is given up soon, what works in the background waits longer."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.storage import Storage, default_storage, storages
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from harmony_app import bucket_storage, health_parts
from harmony_app.media_storage import media_storage
from harmony_app.storage_failures import StorageFailureMiddleware
from studies.media import StorageFailedError, hurried, in_parallel, is_hurried, may_be_refused, stored_bytes

HURRIED, PATIENT = 0.1, 3.0


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that takes connections and says nothing."""
    for name, seconds in (("HURRIED_SECONDS", HURRIED), ("READ_SECONDS", PATIENT)):
        monkeypatch.setattr(bucket_storage, name, seconds)
    for name in ("HURRIED_ATTEMPTS", "ATTEMPTS"):
        monkeypatch.setattr(bucket_storage, name, 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.fixture
def bucket(hanging: None) -> Storage:
    storage = storages.create_storage(media_storage("s3://harmony/site", Path("/unused")))
    # Made beforehand: that takes longer than what is measured.
    assert storage.connection  # type: ignore[attr-defined]
    with hurried():
        assert storage.connection  # type: ignore[attr-defined]
    return storage


def waited(storage: Storage) -> float:
    begun = time.monotonic()
    with pytest.raises(StorageFailedError, match="cannot be reached"):
        stored_bytes("pictures/a.png", storage)
    return time.monotonic() - begun


def test_in_a_hurry_a_bucket_that_hangs_is_given_up_earlier(bucket: Storage) -> None:
    with hurried():
        assert HURRIED <= waited(bucket) < PATIENT


def test_after_the_hurry_the_same_storage_is_patient_again(bucket: Storage) -> None:
    with hurried():
        waited(bucket)
    assert waited(bucket) >= PATIENT


def test_what_is_asked_in_parallel_is_in_the_same_hurry(bucket: Storage) -> None:
    with hurried():
        assert list(in_parallel(lambda _: is_hurried(), range(20), bucket)) == [True] * 20
    assert list(in_parallel(lambda _: is_hurried(), range(20), bucket)) == [False] * 20


def test_a_hurry_ends_with_an_error_as_well() -> None:
    with pytest.raises(OSError, match="away"), hurried():
        raise OSError("away")
    assert not is_hurried()


@pytest.mark.parametrize(("method", "expected"), [("GET", True), ("HEAD", True), ("POST", False), ("PUT", False)])
def test_who_looks_is_in_a_hurry_and_who_brings_something_is_not(method: str, expected: bool) -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(is_hurried())
        return HttpResponse()

    StorageFailureMiddleware(view)(RequestFactory().generic(method, "/"))
    assert seen == [expected]
    assert not is_hurried()


@pytest.mark.django_db
def test_readiness_asks_the_storage_in_a_hurry_and_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def exists(name: str) -> bool:
        seen.append((is_hurried(), may_be_refused()))
        return True

    monkeypatch.setattr(default_storage, "exists", exists)
    assert health_parts._storage().status is health_parts.Status.OK
    assert seen == [(True, False)]
