"""Where pictures, reports and imports lie: the settings of a folder, or of a bucket that speaks S3.

This module is read with the settings and loads nothing of S3; `harmony_app.bucket_storage` does, once it is used.
"""

import re
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

VARIABLE = "HARMONY_MEDIA_URL"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(?:/[A-Za-z0-9!_.*'()-]+)*")


def media_storage(url: str, folder: Path) -> dict[str, Any]:
    """Return Django's settings of the storage: the bucket of `url`, or the folder where there is no `url`.

    Raises ImproperlyConfigured for anything that is not `s3://bucket` or `s3://bucket/prefix`.
    """
    return bucket_storage(url) if url else folder_storage(folder)


def folder_storage(folder: Path) -> dict[str, Any]:
    return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}


def bucket_storage(url: str, variable: str = VARIABLE) -> dict[str, Any]:
    """Return Django's settings of a bucket; `variable` is what errors name."""
    scheme, separator, rest = url.partition("://")
    # What comes before an @ may be a password.
    shown = f"{variable}={scheme + separator + rest.rpartition('@')[2]!r}"
    if scheme != "s3" or not separator:
        raise ImproperlyConfigured(f"{shown} is no address of a bucket; use s3://bucket/prefix")
    if "@" in rest:
        raise ImproperlyConfigured(
            f"{shown} had credentials in it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead"
        )
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.rstrip("/")
    if not _BUCKET.fullmatch(bucket):
        raise ImproperlyConfigured(f"{shown} names no bucket; use s3://bucket/prefix")
    if prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise ImproperlyConfigured(
            f"{shown} has a prefix that cannot be used; use letters, digits, hyphens and slashes"
        )
    return {
        "BACKEND": "harmony_app.bucket_storage.BucketStorage",
        "OPTIONS": {"bucket_name": bucket, "location": prefix},
    }
