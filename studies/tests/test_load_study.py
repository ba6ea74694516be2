"""manage.py load_study BUNDLE."""

import hashlib
import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from studies.models import Assignment, Condition, Image, Pair, Participation, Picture, Study, Trial
from studies.services import assignments_draw, enrol
from studies.tests.bundles import read_fixture_text, write_bundle, write_fixture
from studies.tests.test_drawing import NewUser, answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_media")]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle", slug="small", images=2)


def load(folder: Path) -> str:
    out = StringIO()
    call_command("load_study", str(folder), stdout=out)
    return out.getvalue()


def changed(folder: Path, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    objects, files = read_fixture_text(folder)
    change(objects)
    write_fixture(folder, objects, files)


def first(objects: list[dict[str, Any]], model: str) -> dict[str, Any]:
    fields: dict[str, Any] = next(item["fields"] for item in objects if item["model"] == f"studies.{model}")
    return fields


def nothing_is_there() -> bool:
    return not any(model._default_manager.exists() for model in (Study, Picture, Condition, Image, Pair, Trial))


def test_a_bundle_is_loaded_whole(bundle: Path) -> None:
    assert load(bundle) == "small: loaded (4 conditions, 2 images, 8 trials)\n14 pictures copied\n"
    counts = [model._default_manager.count() for model in (Study, Picture, Condition, Image, Pair, Trial)]
    assert counts == [1, 14, 4, 2, 8, 8]
    pair = Pair.objects.get_by_natural_key("small", "shapes", "RMA", "TinyNet", "GradCAM", "image-0000")
    assert (pair.score_original, pair.score_finetuned, pair.target) == (0.25, 0.5, "class 0")
    for picture in Picture.objects.all():
        source = bundle / "media" / f"{picture.digest}.png"
        with default_storage.open(picture.path) as stored:
            assert stored.read() == source.read_bytes()


def test_loading_the_same_bundle_again_changes_nothing_and_says_so(bundle: Path) -> None:
    load(bundle)
    Study.objects.update(annotators_per_trial=9)
    before = list(Trial.objects.values())
    assert load(bundle) == "small: already loaded from this bundle; nothing changed\n"
    assert list(Trial.objects.values()) == before
    assert Study.objects.get().annotators_per_trial == 9


def test_a_changed_bundle_updates_a_study_without_responses(bundle: Path, participation: Participation) -> None:
    load(bundle)
    study = Study.objects.get(slug="small")
    changed(bundle, lambda objects: first(objects, "pair").update(score_finetuned=None))
    changed(bundle, lambda objects: first(objects, "study").update(title="Anew"))
    assert load(bundle) == "small: updated (4 conditions, 2 images, 8 trials)\n"
    again = Study.objects.get(slug="small")
    assert (again.pk, again.title, again.created_at) == (study.pk, "Anew", study.created_at)
    assert Pair.objects.filter(condition__study=again, score_finetuned=None).count() == 1
    assert Trial.objects.filter(study=again).count() == 8


def test_updating_a_study_takes_its_unanswered_assignments_back(
    participation: Participation, tiny_bundle: Path, tmp_path: Path
) -> None:
    assignments_draw(participation=participation, count=3)
    load(write_bundle(tmp_path / "other", slug="tiny", seed=6))
    assert not Assignment.objects.exists()
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}
    assert assignments_draw(participation=participation, count=3)


def test_a_changed_bundle_is_refused_where_there_are_responses(participation: Participation, tmp_path: Path) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    before = list(Trial.objects.values())
    with pytest.raises(CommandError, match=r"the study tiny .* has responses; export this bundle under another slug"):
        load(write_bundle(tmp_path / "other", slug="tiny", seed=6))
    assert list(Trial.objects.values()) == before


def test_an_answered_study_from_loaddata_takes_its_own_bundle(tiny_bundle: Path, new_user: NewUser) -> None:
    call_command("loaddata", str(tiny_bundle / "study.json"), verbosity=0)
    answer(assignments_draw(participation=enrol(study=Study.objects.get(), annotator=new_user()), count=1)[0])
    assert "tiny: already loaded from this bundle; nothing changed" in load(tiny_bundle)
    assert Assignment.objects.filter(state="answered").count() == 1
    assert Study.objects.get().bundle_digest
    assert load(tiny_bundle) == "tiny: already loaded from this bundle; nothing changed\n"


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("study", {"question": "Which one?"}),
        ("condition", {"summary": {}}),
        ("image", {"label": "dog"}),
        ("pair", {"score_original": 0.26}),
        ("trial", {"key": "99999"}),
    ],
)
def test_an_answered_study_from_loaddata_takes_no_other_bundle(
    bundle: Path, new_user: NewUser, model: str, changes: dict[str, Any]
) -> None:
    call_command("loaddata", str(bundle / "study.json"), verbosity=0)
    answer(assignments_draw(participation=enrol(study=Study.objects.get(), annotator=new_user()), count=1)[0])
    changed(bundle, lambda objects: first(objects, model).update(changes))
    with pytest.raises(CommandError, match=r"the study small .* has responses"):
        load(bundle)


def test_a_study_that_loaddata_changed_is_set_right_by_its_bundle(bundle: Path, tmp_path: Path) -> None:
    load(bundle)
    changed(bundle, lambda objects: first(objects, "pair").update(score_original=0.75))
    call_command("loaddata", str(bundle / "study.json"), verbosity=0)
    assert Pair.objects.filter(score_original=0.75).exists()
    shutil.rmtree(bundle)
    assert "small: updated" in load(write_bundle(bundle, slug="small", images=2))
    assert not Pair.objects.filter(score_original=0.75).exists()


def test_a_picture_that_was_damaged_in_the_storage_is_copied_again(bundle: Path) -> None:
    load(bundle)
    picture = Picture.objects.order_by("pk")[0]
    default_storage.delete(picture.path)
    default_storage.save(picture.path, ContentFile(b"half a pic"))
    assert "1 pictures copied" in load(bundle)
    with default_storage.open(picture.path) as stored:
        assert stored.read() == (bundle / "media" / f"{picture.digest}.png").read_bytes()


def test_two_studies_share_the_pictures_they_have_in_common(bundle: Path, tmp_path: Path) -> None:
    load(bundle)
    assert "pictures copied" not in load(write_bundle(tmp_path / "twin", slug="twin", images=2))
    assert Picture.objects.count() == 14


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        ("study", {"colour": "red"}, "colour: unknown field"),
        ("study", {"state": "closed"}, "state: unknown field"),
        ("study", {"annotators_per_trial": 0}, "annotators_per_trial: 0: "),
        ("study", {"allow_undo": 1}, "allow_undo: 1 has the wrong type"),
        ("study", {"slug": "other"}, "does not hold the one study 'small'"),
        ("study", {"slug": "no slug!"}, "slug: 'no slug!': "),
        ("picture", {"width": 25}, "the file has 24 x 24 pixels"),
        ("condition", {"direction": "up"}, "direction: 'up': "),
        ("condition", {"summary": []}, "summary: \\[\\] has the wrong type"),
        ("condition", {"metric": None}, "metric: None has the wrong type"),
        ("image", {"picture": ["0" * 64]}, "picture: \\['0+'\\] is not in the fixture"),
        ("image", {"picture": 1}, "picture: 1 is not a natural key"),
        ("pair", {"image": ["small", "lost"]}, "image: \\['small', 'lost'\\] is not in the fixture"),
        ("pair", {"score_original": "high"}, "score_original: 'high' has the wrong type"),
        ("pair", {"score_original": float("nan")}, "score_original: nan has the wrong type"),
        ("trial", {"trial_type": "odd_one_out"}, "trial_type: unknown 'odd_one_out'; use one of forced_choice"),
        ("trial", {"kind": "warm-up"}, "kind: 'warm-up': "),
        ("trial", {"pair": ["small"]}, "pair: \\['small'\\] is not in the fixture"),
        ("trial", {"key": "00001"}, "comes twice"),
    ],
)
def test_a_broken_fixture_is_refused_whole(bundle: Path, model: str, changes: dict[str, Any], message: str) -> None:
    changed(bundle, lambda objects: first(objects, model).update(changes))
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "study": "small"}))
    with pytest.raises(CommandError, match=message):
        load(bundle)
    assert nothing_is_there()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda objects: first(objects, "trial").pop("kind"), "kind: the field is missing"),
        (lambda objects: objects[-1].update(pk=7), "other entries than"),
        (lambda objects: objects[-1].update(model="auth.user"), "unknown model 'auth.user'"),
        (lambda objects: objects.append({"model": ["studies.trial"], "fields": {}}), "unknown model"),
        (lambda objects: objects.append(5), "other entries than"),
    ],
)
def test_a_fixture_with_odd_objects_is_refused_whole(
    bundle: Path, change: Callable[[list[dict[str, Any]]], Any], message: str
) -> None:
    changed(bundle, change)
    with pytest.raises(CommandError, match=message):
        load(bundle)
    assert nothing_is_there()


def with_manifest(bundle: Path, **changes: Any) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, **changes}))


def with_file(bundle: Path, name: str, digest: object) -> None:
    with_manifest(bundle, files={**json.loads((bundle / "manifest.json").read_text())["files"], name: digest})


def a_picture(bundle: Path) -> Path:
    return sorted((bundle / "media").iterdir())[0]


def a_text_in_place_of_a_picture(bundle: Path) -> None:
    objects, files = read_fixture_text(bundle)
    digest = hashlib.sha256(b"no picture").hexdigest()
    (bundle / "media" / f"{digest}.png").write_bytes(b"no picture")
    write_fixture(bundle, objects, {**files, f"media/{digest}.png": digest})


def a_picture_left_out_of_the_manifest(bundle: Path) -> None:
    objects, files = read_fixture_text(bundle)
    files.pop(f"media/{a_picture(bundle).name}")
    write_fixture(bundle, objects, files)


def a_link_in_place_of_a_picture(bundle: Path) -> None:
    picture = a_picture(bundle)
    picture.rename(bundle.parent / "elsewhere.png")
    picture.symlink_to(bundle.parent / "elsewhere.png")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda bundle: (bundle / "manifest.json").unlink(), "manifest.json: the file is missing"),
        (lambda bundle: (bundle / "manifest.json").write_text("{"), "manifest.json: cannot be read as JSON"),
        (lambda bundle: with_manifest(bundle, format="harmony-bundle/9"), "manifest.json: format: 'harmony-bundle/9'"),
        (lambda bundle: with_manifest(bundle, files={}), "no digest of study.json"),
        (lambda bundle: with_manifest(bundle, study=None), "manifest.json: study: None is no slug"),
        (lambda bundle: (bundle / "study.json").unlink(), "study.json: the file is missing"),
        (lambda bundle: (bundle / "study.json").write_text("[]"), "study.json: its SHA-256 is"),
        (lambda bundle: a_picture(bundle).unlink(), r"\.png: the file is missing; copy the whole bundle again"),
        (lambda bundle: a_picture(bundle).write_bytes(b"x"), r"\.png: its SHA-256 is"),
        (lambda bundle: with_file(bundle, "../secret.png", "0" * 64), "is neither study.json nor media/"),
        (lambda bundle: with_file(bundle, f"media/../../{'0' * 64}.png", "0" * 64), "is neither study.json nor media/"),
        (lambda bundle: with_file(bundle, f"media/{'0' * 64}.png", "1" * 64), "is named after another digest"),
        (lambda bundle: with_file(bundle, f"media/{'0' * 64}.png", 5), "5 is no SHA-256 digest"),
        (lambda bundle: with_file(bundle, "/etc/passwd", "0" * 64), "is neither study.json nor media/"),
        (a_picture_left_out_of_the_manifest, "media has no such file in the manifest"),
        (a_text_in_place_of_a_picture, "is not a sound PNG"),
        (a_link_in_place_of_a_picture, "is a link"),
    ],
)
def test_a_damaged_bundle_is_refused_whole(bundle: Path, damage: Callable[[Path], Any], message: str) -> None:
    damage(bundle)
    with pytest.raises(CommandError, match=message):
        load(bundle)
    assert nothing_is_there()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"is not a folder; give the folder that holds manifest\.json"):
        load(tmp_path / "nowhere")


def test_loading_takes_as_many_queries_for_eighty_trials_as_for_eight(
    tmp_path: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    folder = write_bundle(tmp_path / "wide", slug="wide", images=20, size=4)
    with django_assert_num_queries(13):
        load(folder)
