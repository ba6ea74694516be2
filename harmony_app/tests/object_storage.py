"""A real S3 server for tests, as a process of its own: moto's."""

import contextlib
import itertools
import json
import re
import signal
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from harmony_app.local_servers import answers_http, free_port
from harmony_app.tests.servers import Server, private_folder, until

KEY, SECRET, REGION = "AKIATESTSONLY0000000", "a-secret-of-tests", "us-east-1"
LISTED_AT_ONCE = 20
_REQUEST = re.compile(r'"(?:\x1b\[\d+m)*([A-Z]+) (\S+) HTTP/1\.1(?:\x1b\[0m)?" (\d{3})')
_NUMBERS = itertools.count(1)


class ObjectStorageServer:
    """A server with one bucket. It keeps everything in memory: after `kill` and `start` the bucket is empty."""

    def __init__(self, folder: Path) -> None:
        self.bucket = "harmony"
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.log = folder / "moto.log"
        # Few names in one answer, so that all who list ask again.
        self.server = Server(command, self.log, MOTO_S3_DEFAULT_MAX_KEYS=str(LISTED_AT_ONCE))

    @property
    def url(self) -> str:
        """The address of a folder in the bucket, as Harmony's settings have it."""
        return f"s3://{self.bucket}/site"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to reach the server."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def start(self) -> None:
        """Start the server and make its bucket."""
        self.server.launch()
        until(self.server, lambda: answers_http(f"{self.endpoint}/moto-api/data.json"))
        self.client().create_bucket(Bucket=self.bucket)

    def use_new_bucket(self) -> None:
        """Go on with an empty bucket of a new name."""
        self.bucket = f"harmony-{next(_NUMBERS)}"
        self.client().create_bucket(Bucket=self.bucket)

    def kill(self) -> None:
        self.server.end(signal.SIGKILL)

    def stop(self) -> None:
        if self.server.process is not None:
            self.resume()
        self.server.end()

    def pause(self) -> None:
        """Let the server accept connections and answer none."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        if self.server.process is not None:
            self.server.process.send_signal(which)

    def client(self, service: str = "s3") -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name=REGION,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def names(self) -> list[str]:
        """The names of all objects in the bucket."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", ()))

    def requests(self) -> list[str]:
        """Every request so far, as `GET /bucket/key 200`."""
        return [" ".join(found) for found in _REQUEST.findall(self.log.read_text())]

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Collect the requests of the block."""
        seen: list[str] = []
        before = len(self.requests())
        yield seen
        seen += self.requests()[before:]

    def key_with(self, *actions: str) -> Mapping[str, str]:
        """Make an access key that may do only this; from now on the server looks at keys and their rights."""
        user = f"user-{next(_NUMBERS)}"
        iam = self.client("iam")
        iam.create_user(UserName=user)
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName=user, PolicyName="rights", PolicyDocument=policy)
        made = iam.create_access_key(UserName=user)["AccessKey"]
        self._look_at_keys("0")
        return {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}

    def take_any_key(self) -> None:
        self._look_at_keys("inf")

    def _look_at_keys(self, after_requests: str) -> None:
        address, headers = f"{self.endpoint}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        asked = urllib.request.Request(address, after_requests.encode(), headers)
        with urllib.request.urlopen(asked, timeout=60):
            pass


@contextlib.contextmanager
def running_object_storage() -> Iterator[ObjectStorageServer]:
    """Run an S3 server of the caller's own, which it may pause, kill and start again."""
    with private_folder() as folder:
        storage = ObjectStorageServer(folder)
        try:
            storage.start()
            yield storage
        finally:
            storage.stop()
