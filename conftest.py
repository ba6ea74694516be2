"""Fixtures for every package's tests."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client, override_settings
from django.utils import translation
from pytest_django import Settings

from harmony_app.tests.servers import LiveSite, Postgres, running_postgres, running_redis, running_site
from studies.models import Participation, Study, User
from studies.services import enrol, load_bundle
from studies.services.pools import forget_contents
from studies.tests.bundles import write_bundle

if TYPE_CHECKING:
    # Loads boto3, which most tests do without.
    from harmony_app.tests.object_storage import ObjectStorageServer

PASSWORD = "correct horse battery staple"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(ids: list[str]) -> None:
    """Refuse tests with the same id in several processes: pytest-xdist would run one of them and not say so."""
    alike = [name for name, number in Counter(ids).items() if number > 1]
    if alike:
        raise pytest.UsageError(f"several tests have the id {alike[0]}; run them in one process, as bin/test does")


@pytest.fixture(scope="session", autouse=True)
def _quick_and_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hash passwords quickly, and keep the pictures of tests apart from those of the site."""
    media = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path_factory.mktemp("media"))},
    }
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STORAGES={"default": media, "staticfiles": static},
        SECURE_SSL_REDIRECT=False,
        SECRET_KEY="a secret for tests",
        # Tests are quick, and each begins with the same primary keys.
        API_REQUESTS_PER_MINUTE=1_000_000,
        API_IMPORTS_PER_HOUR=1_000_000,
        # Their pictures need not outlive the machine.
        MEDIA_SYNC=False,
    ):
        yield


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    """A page in another language leaves its thread in that language, as on a server until the next request."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """The next test's rows may have the primary keys of this test's."""
    yield
    forget_contents()


@pytest.fixture
def own_media(settings: Settings, tmp_path: Path) -> Path:
    """The folder of a storage that only this test has."""
    folder = tmp_path / "stored"
    default = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = {**settings.STORAGES, "default": default}
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of 2 metrics x 2 attributors on 3 images: 12 trials, with originals shared between the metrics."""
    return write_bundle(tmp_path_factory.mktemp("bundle"), slug="tiny")


@pytest.fixture
def tiny_study(db: None, tiny_bundle: Path) -> Study:
    """The study `tiny`: 12 trials in 4 conditions, 2 annotators a trial, with undo and `neither`."""
    return load_bundle(folder=tiny_bundle).study


@pytest.fixture
def new_user(db: None) -> Callable[..., User]:
    """Make a user; the password is `conftest.PASSWORD`."""

    def make(username: str = "annotator", *, is_admin: bool = False) -> User:
        create = User.objects.create_superuser if is_admin else User.objects.create_user
        return create(username=username, password=PASSWORD)

    return make


@pytest.fixture
def participation(tiny_study: Study, new_user: Callable[..., User]) -> Participation:
    """The part of the user `annotator` in the tiny study."""
    return enrol(study=tiny_study, annotator=new_user())


@pytest.fixture
def annotator_client(participation: Participation) -> Client:
    """A browser in which the user `annotator` is logged in."""
    client = Client()
    client.force_login(participation.annotator)
    return client


@pytest.fixture
def staff_client(new_user: Callable[..., User]) -> Client:
    """A browser in which an admin is logged in."""
    client = Client()
    client.force_login(new_user("admin", is_admin=True))
    return client


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server; `new_database()` gives the address of an empty database."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """The address of a real Redis server, which no other module has left anything in."""
    with running_redis() as url:
        yield url


@pytest.fixture(scope="session")
def _object_storage_server() -> "Iterator[ObjectStorageServer]":
    from harmony_app.tests.object_storage import running_object_storage

    with running_object_storage() as server:
        yield server


@pytest.fixture
def object_storage(
    _object_storage_server: "ObjectStorageServer", monkeypatch: pytest.MonkeyPatch
) -> "ObjectStorageServer":
    """A real S3 server with an empty bucket, and the environment that leads there. Not to be stopped."""
    _object_storage_server.use_new_bucket()
    for name, value in _object_storage_server.environment.items():
        monkeypatch.setenv(name, value)
    return _object_storage_server


@pytest.fixture(scope="module")
def live_site() -> Iterator[Callable[..., LiveSite]]:
    """Start the site under gunicorn: `live_site(database_url=None, workers=2)`; SQLite unless an address is given."""
    with ExitStack() as stack:
        yield lambda database_url=None, workers=2: stack.enter_context(running_site(database_url, workers))
