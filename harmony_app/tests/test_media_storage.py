"""The storage of pictures, reports and imports: its address, and the same behaviour of a folder and of a bucket."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage, storages
from pytest_django import Settings

from harmony_app import bucket_storage
from harmony_app.media_storage import media_storage
from harmony_app.tests.object_storage import ObjectStorageServer
from harmony_app.tests.servers import ROOT
from studies import checks
from studies.media import StorageFailedError, folder_delete, folders_in, in_parallel, sizes_below, stored_bytes


def opened(url: str, folder: Path = Path("/unused")) -> Storage:
    return storages.create_storage(media_storage(url, folder))


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    url = request.getfixturevalue("object_storage").url if request.param == "bucket" else ""
    return opened(url, tmp_path / "media")


@pytest.fixture
def bucket(object_storage: ObjectStorageServer) -> Storage:
    return opened(object_storage.url)


def put(storage: Storage, *names: str) -> None:
    for name in names:
        storage.save(name, ContentFile(name.encode()))


# The address


def test_without_an_address_everything_lies_in_the_folder(tmp_path: Path) -> None:
    assert opened("", tmp_path).path("a") == str(tmp_path / "a")


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3://my.bucket-1/one/two/"])
def test_a_bucket_with_or_without_a_prefix_is_taken(url: str) -> None:
    options = media_storage(url, Path("/unused"))["OPTIONS"]
    assert options["location"] in ("", "one/two")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/folder", "HARMONY_MEDIA_URL='/folder' is no address of a bucket; use s3://bucket/prefix"),
        ("file:///folder", "is no address of a bucket; use s3://bucket/prefix"),
        ("https://user:secret@host/bucket", "is no address of a bucket"),
        ("s3://", "names no bucket; use s3://bucket/prefix"),
        ("s3:///prefix", "names no bucket"),
        ("s3://UPPER/prefix", "names no bucket"),
        ("s3://key:secret@bucket/prefix", "had credentials in it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("s3://bucket/a/../b", "has a prefix that cannot be used"),
        ("s3://bucket//a", "has a prefix that cannot be used"),
        ("s3://bucket/a?b=c", "has a prefix that cannot be used"),
    ],
)
def test_another_address_stops_loudly_and_tells_no_secret(url: str, message: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        media_storage(url, Path("/unused"))
    assert message in str(error.value)
    assert "HARMONY_MEDIA_URL=" in str(error.value)
    assert "secret@" not in str(error.value)


def started(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import django, sys; django.setup(); {code}"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "harmony_app.settings", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_nothing_of_s3_is_loaded_before_it_is_used(tmp_path: Path) -> None:
    code = "from django.urls import resolve; resolve('/'); print({'boto3', 'botocore', 'storages'} & set(sys.modules))"
    for url in ("", "s3://bucket/prefix"):
        assert started(code, HARMONY_MEDIA_URL=url, HARMONY_DATA_DIR=str(tmp_path)) == "set()"


# Files


def test_what_was_saved_is_read(storage: Storage) -> None:
    assert storage.save("pictures/a.png", ContentFile(b"content")) == "pictures/a.png"
    assert stored_bytes("pictures/a.png", storage) == b"content"
    assert storage.exists("pictures/a.png")
    assert storage.size("pictures/a.png") == 7


def test_an_absent_file_is_no_failure_of_the_storage(storage: Storage) -> None:
    put(storage, "b")
    assert not storage.exists("a")
    for ask in (storage.open, storage.size):
        with pytest.raises(FileNotFoundError):
            ask("a")
    storage.delete("a")


def test_a_name_cannot_lead_out_of_the_storage(storage: Storage) -> None:
    for ask in (storage.open, storage.exists, storage.delete):
        with pytest.raises(SuspiciousOperation):
            ask("../other/a")


def test_files_below_a_folder_are_found_with_their_sizes(storage: Storage) -> None:
    put(storage, "r/one/a", "r/one/deep/er/b", "r/two/c", "r2/d", "top")
    assert sizes_below("r/one", storage) == {"r/one/a": 7, "r/one/deep/er/b": 15}
    assert list(sizes_below("", storage)) == ["r/one/a", "r/one/deep/er/b", "r/two/c", "r2/d", "top"]
    assert sizes_below("absent", storage) == {}


def test_folders_in_a_folder_are_found(storage: Storage) -> None:
    put(storage, "r/one/a", "r/two/deep/b", "r/file", "r2/c")
    assert folders_in("r", storage) == ["one", "two"]
    assert folders_in("", storage) == ["r", "r2"]
    assert folders_in("absent", storage) == []


def test_a_folder_is_deleted_with_all_in_it_and_nothing_beside(storage: Storage) -> None:
    put(storage, "r/one/a", "r/one/deep/b", "r/one-more/c", "r/two")
    folder_delete("r/one", storage)
    folder_delete("r/one", storage)
    assert list(sizes_below("", storage)) == ["r/one-more/c", "r/two"]


def test_what_is_done_in_parallel_comes_in_order_and_ends_with_the_first_error(storage: Storage) -> None:
    assert list(in_parallel(lambda number: number * 2, range(100), storage)) == list(range(0, 200, 2))
    begun = []

    def fail(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        list(in_parallel(fail, range(1000), storage))
    assert len(begun) < 40


# Only a bucket


def test_objects_lie_below_the_prefix(bucket: Storage, object_storage: ObjectStorageServer) -> None:
    put(bucket, "pictures/a.png")
    put(opened(f"s3://{object_storage.bucket}"), "b")
    assert object_storage.names() == ["b", "site/pictures/a.png"]
    assert list(sizes_below("", opened(f"s3://{object_storage.bucket}"))) == ["b", "site/pictures/a.png"]


def test_saving_a_name_again_replaces_it_and_makes_no_other(bucket: Storage) -> None:
    assert [bucket.save("a.png", ContentFile(content)) for content in (b"the first", b"last")] == ["a.png"] * 2
    assert stored_bytes("a.png", bucket) == b"last"
    assert list(sizes_below("", bucket)) == ["a.png"]


def test_an_object_has_no_address_and_is_private(bucket: Storage, object_storage: ObjectStorageServer) -> None:
    put(bucket, "a.png")
    with pytest.raises(ValueError, match="no address"):
        bucket.url("a.png")
    acl = object_storage.client().get_object_acl(Bucket=object_storage.bucket, Key="site/a.png")
    assert [grant["Grantee"]["Type"] for grant in acl["Grants"]] == ["CanonicalUser"]


def test_each_thing_takes_one_request(bucket: Storage, object_storage: ObjectStorageServer) -> None:
    with object_storage.counted() as seen:
        put(bucket, "r/a")
        stored_bytes("r/a", bucket)
        bucket.exists("r/a")
        bucket.size("r/a")
        sizes_below("r", bucket)
        bucket.delete("r/a")
    assert [line.split()[0] for line in seen] == ["PUT", "GET", "HEAD", "HEAD", "GET", "DELETE"]


def test_many_objects_are_listed_and_deleted_in_few_requests(
    bucket: Storage, object_storage: ObjectStorageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_storage, "DELETED_AT_ONCE", 30)
    put(bucket, *(f"r/{number:02}" for number in range(50)))
    with object_storage.counted() as seen:
        folder_delete("r", bucket)
    assert [line.split()[0] for line in seen] == ["GET"] * 3 + ["POST"] * 2
    assert object_storage.names() == []


def test_a_large_object_is_written_in_parts_and_read_whole(bucket: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(bucket_storage.IN_ONE_PUT + 1)
    bucket.save("large", ContentFile(content))
    assert stored_bytes("large", bucket) == content


def test_objects_are_opened_for_reading_only(bucket: Storage) -> None:
    with pytest.raises(ValueError, match="use save"):
        bucket.open("a", "wb")


def test_one_connection_serves_all_threads(bucket: Storage) -> None:
    put(bucket, "a")
    made = []
    threads = [threading.Thread(target=lambda: made.append(bucket.connection)) for _ in range(4)]  # type: ignore[attr-defined]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(connection) for connection in made}) == 1


def test_a_child_process_makes_connections_of_its_own(bucket: Storage) -> None:
    put(bucket, "a")
    if (child := os.fork()) == 0:
        try:
            bucket.save("b", ContentFile(stored_bytes("a", bucket)))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert stored_bytes("b", bucket) == b"a"


# What goes wrong


def test_a_missing_bucket_is_named(object_storage: ObjectStorageServer) -> None:
    storage = opened("s3://never-made/site")
    for ask in (
        lambda: put(storage, "a"),
        lambda: stored_bytes("a", storage),
        lambda: sizes_below("", storage),
        lambda: folder_delete("r", storage),
    ):
        with pytest.raises(StorageFailedError, match="s3://never-made/site: there is no such bucket; make it"):
            ask()


def test_a_wrong_key_is_refused_without_being_told(
    object_storage: ObjectStorageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        object_storage.key_with("s3:*")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOTAKEY000000000")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed")
        storage = opened(object_storage.url)
        with pytest.raises(StorageFailedError, match=r"access is refused \(InvalidAccessKeyId\); check AWS_") as error:
            put(storage, "a")
        assert not {"AKIANOTAKEY000000000", "guessed"} & set(str(error.value).split())
    finally:
        object_storage.take_any_key()
    assert object_storage.names() == []


def test_a_key_that_may_not_write_is_told_the_right_it_needs(
    object_storage: ObjectStorageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        for name, value in object_storage.key_with("s3:GetObject", "s3:ListBucket").items():
            monkeypatch.setenv(name, value)
        with pytest.raises(StorageFailedError, match=r"access is refused .*s3:PutObject"):
            put(opened(object_storage.url), "a")
    finally:
        object_storage.take_any_key()


def test_without_credentials_the_error_says_what_to_set(
    object_storage: ObjectStorageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageFailedError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        stored_bytes("a", opened(object_storage.url))


@pytest.fixture
def media(object_storage: ObjectStorageServer, settings: Settings) -> Any:
    settings.STORAGES = {**settings.STORAGES, "default": media_storage(object_storage.url, Path("/unused"))}
    return default_storage


def test_the_check_for_deployment_tries_the_bucket_and_leaves_nothing(
    media: Any, object_storage: ObjectStorageServer
) -> None:
    assert checks.check_bucket(None) == []
    assert checks.check_media(None) == []
    assert object_storage.names() == []


def test_the_four_rights_of_the_documentation_are_enough(
    media: Any, object_storage: ObjectStorageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
    documented = (ROOT / "docs" / "storage.md").read_text()
    assert all(f'"{right}"' in documented for right in rights)
    try:
        for name, value in object_storage.key_with(*rights).items():
            monkeypatch.setenv(name, value)
        assert checks.check_bucket(None) == []
        put(media, "r/a")
        folder_delete("r")
    finally:
        object_storage.take_any_key()
    assert object_storage.names() == []


def test_the_check_for_deployment_names_what_is_wrong(media: Any, settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": media_storage("s3://never-made", Path("/unused"))}
    (error,) = checks.check_bucket(None)
    assert error.id == "studies.E003"
    assert "there is no such bucket" in error.msg
    assert "docs/storage.md" in str(error.hint)


def test_a_folder_is_not_tried_as_a_bucket() -> None:
    assert checks.check_bucket(None) == []
