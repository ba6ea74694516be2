"""Pictures that come with the labels of the published app."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from pytest_django import DjangoCaptureOnCommitCallbacks

from analysis.imported import TrialPictures, imported_pictures
from analysis.tests.import_files import kept_files, label_lines, refused, run, write, write_app, write_maps
from studies.models import Study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_media")]

TWO = [(1, "A1", "learn", 10), (2, "A1", "original", 11)]


def options(tmp_path: Path, **changed: Any) -> dict[str, Any]:
    return {
        "fixtures": write_app(tmp_path / "app", **changed),
        "labels": write(tmp_path / "a.csv", label_lines(TWO)),
        "slug": "app",
    }


def test_the_pictures_of_labelled_examples_are_copied_by_their_bytes(tmp_path: Path) -> None:
    media = write_maps(tmp_path / "media", range(1, 5))
    told = run("import_harmony_app", media=media, **options(tmp_path))
    # The image of all examples is the same picture; examples 3 and 4 have no label.
    assert "6 pictures, 5 of them new in the storage" in told
    pictures = imported_pictures(Study.objects.get())
    assert set(pictures) == {"example-00001", "example-00002"}
    first = pictures["example-00001"]
    assert first.image == pictures["example-00002"].image
    for name, file in ((first.original, "1_original.png"), (first.finetuned, "1_learn.png")):
        assert name is not None
        with default_storage.open(name) as stored:
            assert stored.read() == (media / "maps" / file).read_bytes()


def test_missing_pictures_are_counted(tmp_path: Path) -> None:
    media = write_maps(tmp_path / "media", [1])
    (media / "maps" / "1_learn.png").unlink()
    told = run("import_harmony_app", media=media, **options(tmp_path))
    assert "4 pictures are missing, the first is maps/1_learn.png" in told
    pictures = imported_pictures(Study.objects.get())
    assert pictures["example-00002"] == TrialPictures(None, None, None)
    assert pictures["example-00001"].image is not None
    assert pictures["example-00001"].finetuned is None


def test_missing_pictures_can_be_refused(tmp_path: Path) -> None:
    media = write_maps(tmp_path / "media", [1])
    told = refused("import_harmony_app", media=media, require_media=True, **options(tmp_path))
    assert "3 of 6 pictures are missing: maps/2_image.png, maps/2_original.png, maps/2_learn.png" in told
    assert not Study.objects.exists()
    assert not kept_files()


def test_all_that_are_required_may_be_there(tmp_path: Path) -> None:
    media = write_maps(tmp_path / "media", [1, 2])
    run("import_harmony_app", media=media, require_media=True, **options(tmp_path))
    assert len(imported_pictures(Study.objects.get())) == 2


def test_without_a_folder_there_are_no_pictures(tmp_path: Path) -> None:
    run("import_harmony_app", **options(tmp_path))
    assert imported_pictures(Study.objects.get()) == {}


def test_requiring_pictures_needs_their_folder(tmp_path: Path) -> None:
    assert "there is no --media" in refused("import_harmony_app", require_media=True, **options(tmp_path))


@pytest.mark.parametrize("path", ["../secret.png", "maps/../../secret.png", "/etc/hostname"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    media = write_maps(tmp_path / "media", [1, 2])
    (tmp_path / "secret.png").write_bytes((media / "maps" / "1_image.png").read_bytes())
    told = refused("import_harmony_app", media=media, **options(tmp_path, example_2={"learn": path}))
    assert f"example.json: {path!r}: leads out of the folder of pictures" in told


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    media = write_maps(tmp_path / "media", [1, 2])
    (tmp_path / "secret.png").write_bytes((media / "maps" / "1_image.png").read_bytes())
    (media / "maps" / "2_learn.png").unlink()
    (media / "maps" / "2_learn.png").symlink_to(tmp_path / "secret.png")
    told = refused("import_harmony_app", media=media, **options(tmp_path))
    assert "'maps/2_learn.png': leads out of the folder" in told


def test_a_path_that_goes_in_circles_is_refused(tmp_path: Path) -> None:
    media = write_maps(tmp_path / "media", [1, 2])
    (media / "maps" / "2_learn.png").unlink()
    (media / "maps" / "2_learn.png").symlink_to(media / "maps" / "2_learn.png")
    assert "'maps/2_learn.png': cannot be followed" in refused("import_harmony_app", media=media, **options(tmp_path))


def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    media = write_maps(tmp_path / "media", [1, 2])
    told = refused("import_harmony_app", media=media, **options(tmp_path, example_1={"learn": "a" * 5000}))
    assert "cannot be followed" in told
    assert len(told) < 6000


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_png_is_refused(tmp_path: Path, content: bytes) -> None:
    media = write_maps(tmp_path / "media", [1, 2])
    write(media / "maps" / "2_original.png", content)
    told = refused("import_harmony_app", media=media, **options(tmp_path))
    assert "maps/2_original.png: is no whole PNG picture" in told


def test_other_pictures_are_another_import(
    tmp_path: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    media = write_maps(tmp_path / "media", [1, 2])
    given = options(tmp_path)
    run("import_harmony_app", media=media, **given)
    assert "nothing of them changed" in run("import_harmony_app", media=media, **given)
    assert "give --replace" in refused("import_harmony_app", **given)
    with django_capture_on_commit_callbacks(execute=True):
        assert "replaced" in run("import_harmony_app", replace=True, **given)
    assert imported_pictures(Study.objects.get()) == {}
    assert len(kept_files()) == 1
