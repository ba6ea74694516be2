"""Shared storage in a bucket that speaks S3, through s3fs."""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attribution.shared_storage import (
    TEMPORARY,
    Entries,
    Entry,
    Names,
    SharedStorage,
    StorageError,
    checked_name,
    checked_prefix,
)

if TYPE_CHECKING:
    from s3fs import S3FileSystem

CONNECT_SECONDS = 5
READ_SECONDS = 20
"""The longest pause in an answer."""
ATTEMPTS = 3
"""How often a request is sent, some seconds apart: a storage that is gone is an error and not an endless wait."""
BROKEN_READS = 2
"""So many times an answer may break off or fail to come; it is asked for again from where it broke off."""
HURRIED_SECONDS = 4
"""The longest wait of somebody in front of a page; nothing is sent or asked for again."""
DELETED_AT_ONCE = 1000
"""As many as one request can delete."""

Listed = list[dict[str, Any]]


class SharedBucket(SharedStorage):
    """Objects below `prefix` in a bucket. A put is seen whole or not at all; that is what S3 promises."""

    def __init__(self, bucket: str, prefix: str, *, is_hurried: bool = False) -> None:
        self.bucket = bucket
        self.is_hurried = is_hurried
        self.prefix = f"{prefix}/" if prefix else ""
        self.address = f"s3://{bucket}/{prefix}".removesuffix("/")
        self._lock = threading.Lock()
        self._made: tuple[int, S3FileSystem] | None = None

    def exists(self, name: str) -> bool:
        key = self.prefix + checked_name(name)
        try:
            with self._explained():
                self._system.call_s3("head_object", Bucket=self.bucket, Key=key)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> bytes:
        path = self._path(name)
        with self._explained():
            # One request: with more at a time, the size would be asked for first.
            content: bytes = self._system.cat_file(path, max_concurrency=1)
        return content

    def write(self, name: str, content: bytes) -> None:
        path = self._path(name)
        with self._explained(is_write=True):
            self._system.pipe_file(path, content)

    def download(self, name: str, to: Path) -> None:
        path = self._path(name)
        temporary = to.with_name(f".{secrets.token_hex(8)}{TEMPORARY}")
        try:
            with self._explained():
                self._system.get_file(path, str(temporary), max_concurrency=1)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(to)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def upload(self, path: Path, name: str) -> None:
        target = self._path(name)
        # Absence of the file that is sent would look like absence of the bucket.
        path.stat()
        with self._explained(is_write=True):
            self._system.put_file(str(path), target, max_concurrency=2)

    def list(self, prefix: str = "") -> Names:
        return [entry.name for entry in self.entries(prefix)]

    def entries(self, prefix: str = "") -> Entries:
        folder = checked_prefix(prefix)
        found = self._listed(f"{self.prefix}{folder}/" if folder else self.prefix)
        # Some programs make empty objects for folders.
        return sorted(
            (
                Entry(each["Key"].removeprefix(self.prefix), each["Size"], each["LastModified"].timestamp())
                for each in found
                if not each["Key"].endswith(("/", TEMPORARY))
            ),
            key=lambda entry: entry.name,
        )

    def remove(self, name: str) -> None:
        key = self.prefix + checked_name(name)
        with self._explained(is_write=True):
            self._system.call_s3("delete_object", Bucket=self.bucket, Key=key)

    def remove_all(self, prefix: str) -> None:
        keys = [each["Key"] for each in self._listed(f"{self.prefix}{checked_name(prefix.removesuffix('/'))}/")]
        for start in range(0, len(keys), DELETED_AT_ONCE):
            named = {"Objects": [{"Key": key} for key in keys[start : start + DELETED_AT_ONCE]], "Quiet": True}
            with self._explained(is_write=True):
                reply = self._system.call_s3("delete_objects", Bucket=self.bucket, Delete=named)
            if failed := reply.get("Errors"):
                raise StorageError(
                    f"{self.address}: {len(failed)} objects below {prefix} could not be deleted "
                    f"({failed[0].get('Code')}); allow s3:DeleteObject"
                )

    def _path(self, name: str) -> str:
        return f"{self.bucket}/{self.prefix}{checked_name(name)}"

    def _listed(self, home: str) -> Listed:
        found: Listed = []
        more: dict[str, str] = {}
        while True:
            with self._explained(is_write=True):
                page = self._system.call_s3("list_objects_v2", Bucket=self.bucket, Prefix=home, **more)
            found += page.get("Contents", [])
            if not page.get("IsTruncated"):
                return found
            more = {"ContinuationToken": page["NextContinuationToken"]}

    @property
    def _system(self) -> "S3FileSystem":
        with self._lock:
            # Its connections belong to the process that made them.
            if self._made is None or self._made[0] != os.getpid():
                self._made = (os.getpid(), _file_system(is_hurried=self.is_hurried))
            return self._made[1]

    @contextmanager
    def _explained(self, *, is_write: bool = False) -> Iterator[None]:
        """Turn what s3fs and botocore raise into StorageError, except that an object is absent.

        A write, or a list, finds nothing absent but the bucket.
        """
        from aiohttp import ClientError as TransportError
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            yield
        except (BotoCoreError, HTTPClientError, TransportError, TimeoutError) as error:
            raise StorageError(f"{self.address}: {_remedy_of_connection(error)}") from error
        except OSError as error:
            # Anything that was not said by the storage is about this machine's own files.
            if not isinstance(error.__cause__, ClientError):
                raise
            reply: Any = error.__cause__.response
            code = str(reply.get("Error", {}).get("Code", ""))
            if isinstance(error, FileNotFoundError) and code != "NoSuchBucket" and not is_write:
                raise
            raise StorageError(f"{self.address}: {_remedy_of_reply(code, error)}") from error


def _file_system(*, is_hurried: bool) -> "S3FileSystem":
    from s3fs import S3FileSystem

    system = S3FileSystem(
        use_listings_cache=False,
        skip_instance_cache=True,
        config_kwargs={
            "signature_version": "s3v4",
            "connect_timeout": HURRIED_SECONDS if is_hurried else CONNECT_SECONDS,
            "read_timeout": HURRIED_SECONDS if is_hurried else READ_SECONDS,
            "retries": {"total_max_attempts": 1 if is_hurried else ATTEMPTS, "mode": "standard"},
            # Servers other than Amazon's do not all know the newer checksums.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        },
    )
    system.retries = 1 if is_hurried else BROKEN_READS
    return system


def _remedy_of_connection(error: Exception) -> str:
    name = type(error).__name__
    if name in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
        return "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if name == "NoRegionError":
        return "the region is not known; set AWS_DEFAULT_REGION"
    return f"the storage cannot be reached ({name}); check AWS_ENDPOINT_URL, the network, and that it is running"


def _remedy_of_reply(code: str, error: OSError) -> str:
    if code == "NoSuchBucket" or isinstance(error, FileNotFoundError):
        return "there is no such bucket; make it, or correct the address"
    if isinstance(error, PermissionError):
        return (
            f"access is refused ({code}); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and allow the key "
            "s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket"
        )
    return f"the storage answered {code}; try again, or look into its log"
