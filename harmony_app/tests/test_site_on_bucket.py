"""The whole way with everything in a bucket: loading, pictures, reports, imports; and with the bucket away."""

import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from analysis import computing
from analysis.imported import imported_frame
from analysis.models import ImportedResponses, ReportRun
from analysis.run_files import folder_of, open_file, write_files
from analysis.tests.computed import computed_report, small_report
from analysis.tests.import_files import SMALL, label_lines, write, write_app, write_maps
from harmony_app import bucket_storage
from harmony_app.local_servers import ServerError
from harmony_app.media_storage import media_storage
from harmony_app.tests.live_reports import PAGE, answered_site, ask, logged_in, run_of
from harmony_app.tests.object_storage import ObjectStorageServer, running_object_storage
from studies import picture_bytes
from studies.consistency import pictures_are_whole
from studies.media import StorageFailedError
from studies.models import Assignment, Participation, Picture, Study, User
from studies.services import assignments_draw, enrol, load_bundle
from studies.tests.bundles import write_bundle
from studies.tests.test_drawing import answer

NewUser = Callable[..., User]


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    yield
    picture_bytes.KEPT.clear()


@pytest.fixture
def storage(object_storage: ObjectStorageServer, settings: Settings) -> ObjectStorageServer:
    """The site's pictures, reports and imports are in the bucket."""
    settings.STORAGES = {**settings.STORAGES, "default": media_storage(object_storage.url, Path("/unused"))}
    return object_storage


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle", slug="kept-away")


@pytest.fixture
def study(storage: ObjectStorageServer, db: None, bundle: Path) -> Study:
    return load_bundle(folder=bundle).study


@pytest.fixture
def drawn(study: Study, new_user: NewUser) -> list[Assignment]:
    return assignments_draw(participation=enrol(study=study, annotator=new_user()), count=6)


def client_of(participation: Participation) -> Client:
    client = Client()
    client.force_login(participation.annotator)
    return client


def verbs(requests: list[str]) -> dict[str, int]:
    names = [line.split()[0] for line in requests]
    return {name: names.count(name) for name in sorted(set(names))}


# Loading


def test_a_loaded_study_has_its_pictures_in_the_bucket(study: Study, storage: ObjectStorageServer) -> None:
    paths = {f"site/{picture.path}" for picture in Picture.objects.all()}
    assert set(storage.names()) == paths
    assert pictures_are_whole(study) == []


@pytest.mark.django_db
def test_a_new_picture_costs_one_request_and_a_known_one_too(storage: ObjectStorageServer, bundle: Path) -> None:
    with storage.counted() as first:
        loaded = load_bundle(folder=bundle)
    number = Picture.objects.count()
    assert (verbs(first), loaded.copied) == ({"PUT": number}, number)
    with storage.counted() as second:
        assert load_bundle(folder=bundle).copied == 0
    assert verbs(second) == {"HEAD": number}


def test_a_picture_that_is_lost_or_cut_off_is_put_there_again(study: Study, bundle: Path) -> None:
    lost, cut = Picture.objects.order_by("digest")[:2]
    default_storage.delete(lost.path)
    default_storage.save(cut.path, ContentFile(b"half a pic"))
    assert [fault.partition(": ")[2] for fault in pictures_are_whole(study)] == [
        "is missing in the storage",
        "has other bytes than its name says; load the bundle again",
    ]
    assert load_bundle(folder=bundle).copied == 2
    assert pictures_are_whole(study) == []


def test_checking_every_picture_costs_one_request_each(study: Study, storage: ObjectStorageServer) -> None:
    with storage.counted() as seen:
        call_command("check_study", study.slug, "--pictures", stdout=StringIO())
    assert verbs(seen) == {"GET": Picture.objects.count()}


# Pictures


def test_a_shown_picture_costs_one_request_and_none_the_second_time(
    drawn: list[Assignment], storage: ObjectStorageServer
) -> None:
    client = client_of(drawn[0].participation)
    addresses = [reverse("picture", args=[drawn[0].token, slot]) for slot in ("image", "left", "right")]
    with storage.counted() as first:
        assert [client.get(address).status_code for address in addresses] == [200] * 3
    assert verbs(first) == {"GET": 3}
    with storage.counted() as second:
        assert [client.get(address).status_code for address in addresses] == [200] * 3
    assert second == []


def test_nothing_of_the_bucket_reaches_the_browser(drawn: list[Assignment], storage: ObjectStorageServer) -> None:
    client = client_of(drawn[0].participation)
    digests = [picture.digest for picture in Picture.objects.all()]
    for slot in ("image", "left", "right"):
        reply = client.get(reverse("picture", args=[drawn[0].token, slot]))
        said = repr(sorted(reply.headers.items())).encode() + reply.content
        assert not any(word.encode() in said for word in (storage.bucket, storage.endpoint, "amz", *digests))


def test_a_damaged_picture_is_not_kept(drawn: list[Assignment]) -> None:
    picture = drawn[0].trial.pair.image.picture
    whole = picture_bytes.picture_bytes(picture)
    picture_bytes.KEPT.clear()
    default_storage.save(picture.path, ContentFile(whole + b"more"))
    assert picture_bytes.picture_bytes(picture) == whole + b"more"
    default_storage.save(picture.path, ContentFile(whole))
    assert picture_bytes.picture_bytes(picture) == whole


def test_kept_pictures_stay_within_their_bytes_and_the_oldest_goes_first() -> None:
    kept = picture_bytes.Kept(80)
    for number in range(10):
        kept.add(str(number), bytes(10))
        kept.get("0")
    assert kept.size == 80
    assert [number for number in range(10) if kept.get(str(number)) is None] == [1, 2]
    kept.add("large", bytes(11))
    assert kept.get("large") is None


# Reports and imports


@pytest.fixture
def answered(drawn: list[Assignment]) -> Study:
    for assignment in drawn:
        answer(assignment)
    return drawn[0].participation.study


@pytest.fixture
def small_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing, "make_report", small_report)


@pytest.mark.usefixtures("small_reports")
def test_a_report_is_kept_read_and_replaced_in_the_bucket(
    answered: Study, storage: ObjectStorageServer, staff_client: Client
) -> None:
    run = computed_report(answered)
    assert run.state == ReportRun.State.DONE
    names = {f"site/{run.folder}/{entry['name']}" for entry in run.files}
    assert names <= set(storage.names())
    reply = staff_client.post(reverse("report-download", args=[answered.slug, "judgements.csv"]))
    assert reply.status_code == 200
    assert int(reply.headers["Content-Length"]) == len(b"".join(reply.streaming_content))  # type: ignore[attr-defined]
    change = assignments_draw(participation=Participation.objects.get(), count=1)[0]
    answer(change)
    later = computed_report(answered)
    assert later.folder != run.folder
    kept = {key for key in storage.names() if key.startswith("site/reports/")}
    assert kept == {f"site/{later.folder}/{entry['name']}" for entry in later.files}


@pytest.mark.usefixtures("small_reports")
def test_a_report_costs_one_request_for_each_file_and_three_listings(
    answered: Study, storage: ObjectStorageServer
) -> None:
    with storage.counted() as seen:
        run = computed_report(answered)
    assert verbs(seen) == {"GET": 3, "PUT": len(run.files)}


@pytest.mark.usefixtures("small_reports")
def test_a_file_of_a_report_that_is_gone_is_absent_and_no_error(answered: Study) -> None:
    run = computed_report(answered)
    default_storage.delete(f"{run.folder}/report.json")
    assert open_file(run, "report.json") is None


def test_a_report_is_never_written_over_what_is_there(study: Study) -> None:
    run = ReportRun(study=study, pk=7, version="v" * 64, attempt=1)
    default_storage.save(f"{folder_of(run)}/report.json", ContentFile(b"left over"))
    with pytest.raises(FileExistsError, match="delete its folder"):
        write_files({"report.html": b"new"}, folder_of(run))


def import_small(tmp_path: Path, text: str = SMALL, **options: Any) -> None:
    call_command("import_responses", write(tmp_path / "a.csv", text), slug="given", stdout=StringIO(), **options)


@pytest.mark.django_db(transaction=True)
def test_imported_responses_are_kept_read_and_replaced(storage: ObjectStorageServer, tmp_path: Path) -> None:
    import_small(tmp_path)
    study = Study.objects.get(slug="given")
    assert len(imported_frame(study)) == 4
    first = ImportedResponses.objects.get().path
    import_small(tmp_path, SMALL.replace("neither", "original"), replace=True)
    assert storage.names() == [f"site/{ImportedResponses.objects.get().path}"]
    assert first not in storage.names()
    assert list(imported_frame(study)["choice"]).count("original") == 2


# The bucket fails


@pytest.fixture
def own_storage(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStorageServer]:
    """A server that the test may kill or pause; whoever looks waits less for it than people do, all others longer."""
    monkeypatch.setattr(bucket_storage, "READ_SECONDS", 30)
    monkeypatch.setattr(bucket_storage, "HURRIED_SECONDS", 0.5)
    monkeypatch.setattr(bucket_storage, "ATTEMPTS", 2)
    with running_object_storage() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        settings.STORAGES = {**settings.STORAGES, "default": media_storage(server.url, Path("/unused"))}
        yield server


@pytest.mark.django_db(transaction=True)
def test_a_storage_killed_while_a_study_is_loaded_leaves_no_study(
    own_storage: ObjectStorageServer, tmp_path: Path
) -> None:
    bundle = write_bundle(tmp_path / "larger", slug="larger", images=60, size=8)

    def killing(items: Any, what: str) -> Iterator[Any]:
        for number, item in enumerate(items):
            if "copying" in what and number == 20:
                own_storage.kill()
            yield item

    with pytest.raises(StorageFailedError, match="s3://harmony/site: the storage cannot be reached"):
        load_bundle(folder=bundle, watch=killing)
    assert not Study.objects.exists()
    assert not Picture.objects.exists()
    own_storage.start()
    study = load_bundle(folder=bundle).study
    assert pictures_are_whole(study) == []


@pytest.mark.django_db(transaction=True)
def test_a_storage_that_hangs_gives_a_503_and_not_a_hanging_page(
    own_storage: ObjectStorageServer, bundle: Path, new_user: NewUser
) -> None:
    study = load_bundle(folder=bundle).study
    (assignment,) = assignments_draw(participation=enrol(study=study, annotator=new_user()), count=1)
    client = client_of(assignment.participation)
    address = reverse("picture", args=[assignment.token, "left"])
    own_storage.pause()
    begun = time.monotonic()
    reply = client.get(address)
    assert time.monotonic() - begun < 25, "in no hurry it would have been twice 30 s"
    assert reply.status_code == 503
    assert reply.headers["Retry-After"] == "30"
    assert b"harmony/site" not in reply.content
    own_storage.resume()
    deadline = time.monotonic() + 60
    # On a busy machine the first tries may be late as well.
    while client.get(address).status_code == 503:
        assert time.monotonic() < deadline


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_reports")
def test_a_report_that_cannot_be_kept_fails_and_is_computed_again(
    own_storage: ObjectStorageServer, bundle: Path, new_user: NewUser, staff_client: Client
) -> None:
    study = load_bundle(folder=bundle).study
    for assignment in assignments_draw(participation=enrol(study=study, annotator=new_user()), count=3):
        answer(assignment)
    own_storage.kill()
    with pytest.raises(StorageFailedError):
        computed_report(study)
    run = ReportRun.objects.get()
    assert run.state == ReportRun.State.FAILED
    assert "the storage cannot be reached" in run.error
    reply = staff_client.get(f"/api/v1/studies/{study.slug}/report/")
    assert reply.status_code in (409, 503)
    own_storage.start()
    assert computed_report(study).state == ReportRun.State.DONE
    assert all(key.startswith(f"site/{ReportRun.objects.get().folder}/") for key in own_storage.names())


@pytest.mark.django_db(transaction=True)
def test_an_import_whose_files_cannot_be_kept_leaves_no_study(own_storage: ObjectStorageServer, tmp_path: Path) -> None:
    own_storage.kill()
    with pytest.raises(StorageFailedError):
        import_small(tmp_path)
    assert not Study.objects.exists()
    own_storage.start()
    import_small(tmp_path)
    assert ImportedResponses.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_failed_second_file_of_an_import_takes_the_first_back(
    storage: ObjectStorageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = bucket_storage.BucketStorage._save

    def failing(self: Any, name: str, content: Any) -> str:
        if name.endswith("-pictures.parquet"):
            raise StorageFailedError("away")
        return save(self, name, content)

    monkeypatch.setattr(bucket_storage.BucketStorage, "_save", failing)
    app = write_app(tmp_path / "app")
    labels = write(tmp_path / "labels.csv", label_lines([(1, 7, "learn", 1), (2, 7, "original", 2)]))
    maps = write_maps(tmp_path / "media", range(1, 5))
    with pytest.raises(StorageFailedError, match="away"):
        call_command("import_harmony_app", fixtures=app, labels=labels, media=maps, slug="app", stdout=StringIO())
    assert not Study.objects.exists()
    assert all(key.startswith("site/pictures/") for key in storage.names())


# A real server with everything from the environment


@pytest.mark.slow
def test_a_live_site_does_it_all_from_environment_variables_alone(
    object_storage: ObjectStorageServer, tmp_path: Path
) -> None:
    with answered_site(HARMONY_MEDIA_URL=object_storage.url) as site:
        browser = logged_in(site)
        assert ask(browser).status in (200, 202)
        deadline = time.monotonic() + 120
        while (run := run_of(site))["state"] in ("queued", "running") and time.monotonic() < deadline:
            time.sleep(0.3)
        assert run["state"] == "done", run
        assert b"</h1>" in browser.get(PAGE).body
        assert not (site.folder / "media").exists()
        kept = object_storage.names()
        assert {key.split("/")[1] for key in kept} == {"pictures", "reports"}
        wrong = {"AWS_ACCESS_KEY_ID": "AKIANOTAKEY000000000", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
        site.environment = {**site.environment, **wrong}
        folder = write_bundle(tmp_path / "another", slug="another", seed=9)
        with pytest.raises(ServerError) as error:
            site.manage("load_study", str(folder))
        assert f"{object_storage.url}: the storage cannot be reached" in str(error.value)
        assert "Traceback" not in str(error.value)
