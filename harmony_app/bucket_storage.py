"""Django's storage in a bucket: django-storages, with one request to read, bounded waiting, and errors that help."""

import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import IO, Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from django.conf import settings
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from harmony_app.storage_breaker import Breaker
from studies.media import REQUESTS_AT_ONCE, ObjectStorage, StorageFailedError, is_hurried, may_be_refused

CONNECT_SECONDS = 3
READ_SECONDS = 5
"""The longest pause in an answer."""
ATTEMPTS = 3
HURRIED_SECONDS = 2
"""The longest wait for a connection, and the longest pause in an answer, where somebody waits for it."""
HURRIED_ATTEMPTS = 2
READS = 2
"""How often an object is asked for whose transfer breaks off."""
MEMORY_BYTES = 8 * 2**20
"""A larger object that is read lies in a temporary file meanwhile."""
IN_ONE_PUT = 64 * 2**20
"""A larger object is written in parts, which are seen once all are there."""
DELETED_AT_ONCE = 1000
"""As many as one request can delete."""
WEB_THREADS = 8

_MAKING = threading.Lock()


class BucketStorage(ObjectStorage, S3Storage):  # type: ignore[misc]  # django-storages has no types
    """Objects below `location` in a bucket, private, never served by address.

    Saving a name that exists replaces the object: names are digests or are made for one use. Raises StorageFailedError
    where the bucket fails, and FileNotFoundError for an object that is absent. Waits less within `hurried`, and there
    not at all for a while once it has hung several times in a row.
    """

    def __init__(self, *, bucket_name: str, location: str = "") -> None:
        super().__init__(
            bucket_name=bucket_name,
            location=location,
            file_overwrite=True,
            default_acl=None,
            client_config=_waiting(connect=CONNECT_SECONDS, read=READ_SECONDS, attempts=ATTEMPTS),
            # Threads of its own for each small picture would cost more than the picture.
            transfer_config=TransferConfig(use_threads=False, multipart_threshold=IN_ONE_PUT),
        )
        self.address = f"s3://{bucket_name}/{location}".removesuffix("/")
        self._hurried_config = _waiting(connect=HURRIED_SECONDS, read=HURRIED_SECONDS, attempts=HURRIED_ATTEMPTS)
        self._made: dict[bool, tuple[int, Any]] = {}
        self._breaker = Breaker(
            self.address,
            timeouts=settings.MEDIA_TIMEOUTS,
            pause=settings.MEDIA_PAUSE_SECONDS,
            errors=(BotoCoreError, HTTPClientError),
            slow=HURRIED_SECONDS,
        )

    @property
    def connection(self) -> Any:
        """One for all threads, which share its connections: to make one takes longer than many requests.

        Another one, which waits less, within `hurried`.
        """
        is_impatient = is_hurried()
        with _MAKING:
            process, made = self._made.get(is_impatient, (None, None))
            # Its connections belong to the process that made them.
            if process != os.getpid():
                config = self._hurried_config if is_impatient else self.client_config
                made = self._create_session().resource("s3", config=config)
                self._made[is_impatient] = (os.getpid(), made)
            return made

    @property
    def bucket(self) -> Any:
        return self.connection.Bucket(self.bucket_name)

    def url(self, name: str | None, *_options: Any, **_named: Any) -> str:
        raise ValueError("Objects of this storage have no address: the site decides who sees which.")

    def exists(self, name: str) -> bool:
        with self._explained():
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        with self._explained():
            return int(super().size(name))

    def get_modified_time(self, name: str) -> datetime:
        with self._explained():
            time: datetime = super().get_modified_time(name)
        return time

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with self._explained():
            folders, files = super().listdir(path)
        return folders, files

    def delete(self, name: str) -> None:
        with self._explained():
            super().delete(name)

    def object_sizes(self, folder: str) -> dict[str, int]:
        start = len(self.location) + 1 if self.location else 0
        return {
            entry["Key"][start:]: entry["Size"]
            for page in self._pages(folder)
            for entry in page.get("Contents", ())
            # Some programs make empty objects for folders.
            if not entry["Key"].endswith("/")
        }

    def object_folders(self, folder: str) -> list[str]:
        return [
            entry["Prefix"].rstrip("/").rpartition("/")[2]
            for page in self._pages(folder, Delimiter="/")
            for entry in page.get("CommonPrefixes", ())
        ]

    def delete_objects(self, names: Sequence[str]) -> None:
        client = self.connection.meta.client
        keys = [{"Key": self._normalize_name(name)} for name in names]
        for start in range(0, len(keys), DELETED_AT_ONCE):
            some = {"Objects": keys[start : start + DELETED_AT_ONCE], "Quiet": True}
            with self._explained():
                reply = client.delete_objects(Bucket=self.bucket_name, Delete=some)
            if failed := reply.get("Errors"):
                raise StorageFailedError(
                    f"{self.address}: {len(failed)} objects could not be deleted ({failed[0].get('Code')}); "
                    "allow s3:DeleteObject"
                )

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        """Open an object for reading, in one request; django-storages takes three."""
        if mode != "rb":
            raise ValueError(f"{name}: objects are opened for reading, with 'rb'; use save() to write one")
        key = self._normalize_name(name)
        content = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115  # closed by whoever reads
        try:
            with self._explained(name):
                self._read(key, content)
        except BaseException:
            content.close()
            raise
        content.seek(0)
        return File(content, name=name)

    def _read(self, key: str, target: IO[bytes]) -> None:
        for left in reversed(range(READS)):
            reply = self.connection.meta.client.get_object(Bucket=self.bucket_name, Key=key)
            try:
                for chunk in reply["Body"].iter_chunks(2**18):
                    target.write(chunk)
            except (BotoCoreError, HTTPClientError):
                if not left:
                    raise
                target.seek(0)
                target.truncate()
            else:
                return

    def _save(self, name: str, content: "File[Any]") -> str:
        with self._explained():
            return str(super()._save(name, content))

    def _pages(self, folder: str, **options: str) -> Iterator[dict[str, Any]]:
        home = self._normalize_name(folder) if folder else self.location
        prefix = f"{home}/" if home else ""
        paginator = self.connection.meta.client.get_paginator("list_objects_v2")
        with self._explained():
            yield from paginator.paginate(Bucket=self.bucket_name, Prefix=prefix, **options)

    @contextmanager
    def _explained(self, name: str | None = None) -> Iterator[None]:
        """Turn what botocore raises into StorageFailedError; of an object `name` that is absent, FileNotFoundError."""
        try:
            with self._breaker.look() if may_be_refused() else nullcontext():
                yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if name is not None and code in ("NoSuchKey", "404"):
                raise FileNotFoundError(f"{self.address}: there is no {name}") from error
            raise StorageFailedError(f"{self.address}: {_remedy_of_reply(code)}") from error
        except (BotoCoreError, HTTPClientError) as error:
            raise StorageFailedError(f"{self.address}: {_remedy_of_connection(error)}") from error


def _waiting(*, connect: float, read: float, attempts: int) -> Config:
    return Config(
        signature_version="s3v4",
        connect_timeout=connect,
        read_timeout=read,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=REQUESTS_AT_ONCE + WEB_THREADS,
        # Servers other than Amazon's do not all know the newer checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def _remedy_of_connection(error: Exception) -> str:
    name = type(error).__name__
    if name in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
        return "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return f"the storage cannot be reached ({name}); check AWS_ENDPOINT_URL, the network, and that it is running"


def _remedy_of_reply(code: str) -> str:
    if code in ("NoSuchBucket", "404"):
        return "there is no such bucket; make it, or correct the address"
    if code in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"):
        return (
            f"access is refused ({code}); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and allow the key "
            "s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket"
        )
    return f"the storage answered {code}; try again, or look into its log"
