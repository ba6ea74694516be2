"""Shared storage in a bucket on a real S3 server: what it costs, and what is said when it fails."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from attribution import shared_bucket
from attribution.shared_storage import SharedStorage, StorageError


def test_objects_lie_below_the_prefix_of_the_address(object_storage: Any) -> None:
    SharedStorage.open(object_storage.url).write("a/b", b"x")
    SharedStorage.open(f"s3://{object_storage.bucket}").write("c", b"x")
    assert object_storage.names() == ["c", "site/a/b"]


def test_reading_writing_and_asking_take_one_request_each(object_storage: Any, tmp_path: Path) -> None:
    storage = SharedStorage.open(object_storage.url)
    with object_storage.counted() as seen:
        storage.write("a", b"x")
        storage.read("a")
        storage.exists("a")
        storage.exists("absent")
        storage.list()
        storage.download("a", tmp_path / "a")
        storage.remove("a")
    assert [line.split()[0] for line in seen] == ["PUT", "GET", "HEAD", "HEAD", "GET", "GET", "DELETE"]


def test_more_objects_than_fit_into_one_answer_are_listed_and_removed(
    object_storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_bucket, "DELETED_AT_ONCE", 15)
    storage = SharedStorage.open(object_storage.url)
    names = [f"many/{number:02}" for number in range(50)]
    for name in names:
        storage.write(name, b"")
    with object_storage.counted() as seen:
        assert storage.list("many") == names
    assert len(seen) == 3
    storage.remove_all("many")
    assert storage.list() == []


def test_a_missing_bucket_is_named_with_the_remedy(object_storage: Any, tmp_path: Path) -> None:
    storage = SharedStorage.open("s3://not-made/builds")
    for call in (
        lambda: storage.read("a"),
        lambda: storage.write("a", b""),
        lambda: storage.list("a"),
        lambda: storage.download("a", tmp_path / "a"),
        lambda: storage.remove_all("a"),
    ):
        with pytest.raises(StorageError, match=r"s3://not-made/builds: there is no such bucket; make it"):
            call()


def test_a_key_without_rights_is_told_which_it_needs(object_storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        for name, value in object_storage.key_with("s3:GetObject", "s3:ListBucket").items():
            monkeypatch.setenv(name, value)
        storage = SharedStorage.open(object_storage.url)
        with pytest.raises(FileNotFoundError):
            storage.read("a")
        with pytest.raises(StorageError, match=r"access is refused \(.*s3:PutObject"):
            storage.write("a", b"x")
    finally:
        object_storage.take_any_key()


def test_without_credentials_the_error_says_what_to_set(object_storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageError, match="no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        SharedStorage.open(object_storage.url).read("a")


def test_a_storage_that_is_down_gives_an_error_soon(object_storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    storage = SharedStorage.open(object_storage.url)
    with pytest.raises(StorageError, match="cannot be reached"):
        storage.exists("a")


def test_a_storage_that_hangs_gives_an_error_and_works_again(
    object_storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    SharedStorage.open(object_storage.url).write("a", b"x")
    monkeypatch.setattr(shared_bucket, "READ_SECONDS", 0.5)
    storage = SharedStorage.open(object_storage.url)
    object_storage.pause()
    try:
        with pytest.raises(StorageError, match=r"cannot be reached \(ReadTimeoutError\)"):
            storage.read("a")
    finally:
        object_storage.resume()
    assert storage.read("a") == b"x"


def seconds_to_give_up(url: str, *, is_hurried: bool) -> float:
    begun = time.monotonic()
    with pytest.raises(StorageError, match="cannot be reached"):
        SharedStorage.open(url, is_hurried=is_hurried).remove_all("builds/7")
    return time.monotonic() - begun


def test_a_storage_that_hangs_is_given_up_sooner_where_somebody_waits(
    object_storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_bucket, "READ_SECONDS", 2.0)
    monkeypatch.setattr(shared_bucket, "ATTEMPTS", 1)
    monkeypatch.setattr(shared_bucket, "HURRIED_SECONDS", 0.1)
    object_storage.pause()
    try:
        # The first one loads what both need.
        patient = seconds_to_give_up(object_storage.url, is_hurried=False)
        hurried = seconds_to_give_up(object_storage.url, is_hurried=True)
    finally:
        object_storage.resume()
    assert patient >= 2.0
    assert hurried < patient


def test_a_bucket_can_be_used_after_a_fork(object_storage: Any) -> None:
    storage = SharedStorage.open(object_storage.url)
    storage.write("parent", b"x")
    if (child := os.fork()) == 0:
        try:
            storage.write("child", storage.read("parent"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert storage.list() == ["child", "parent"]
