"""Bundles that are long, laid out in other ways, or wrong in a way that only all of their rows together show."""

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from studies.bundles.errors import BundleError
from studies.bundles.files import read_manifest
from studies.bundles.fixture import read_fixture
from studies.bundles.scratch import opened_scratch
from studies.models import Pair, Participation, Study, Trial
from studies.services import Change, assignments_draw, load_bundle
from studies.tests.bundles import read_fixture_text, write_bundle, write_fixture
from studies.tests.test_drawing import answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_media")]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle", slug="small", images=2)


def laid_out(folder: Path, write: Callable[[list[dict[str, Any]]], str]) -> Path:
    """Write the fixture's objects in another way, with the manifest to it."""
    objects, files = read_fixture_text(folder)
    write_fixture(folder, objects, files)
    text = write(objects).encode()
    (folder / "study.json").write_bytes(text)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["study.json"] = hashlib.sha256(text).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def fields_of(objects: list[dict[str, Any]], model: str) -> list[dict[str, Any]]:
    return [item["fields"] for item in objects if item["model"] == f"studies.{model}"]


@pytest.mark.parametrize(
    "write",
    [
        lambda objects: json.dumps(objects, indent=4),
        lambda objects: json.dumps(objects, separators=(",", ":"), ensure_ascii=False),
        lambda objects: json.dumps(objects[::-1]),
        lambda objects: "\r\n\t[" + " ,\n\n".join(json.dumps(item) for item in objects) + "]\n\n",
    ],
    ids=["indented", "dense", "from its end", "spaced"],
)
def test_any_layout_and_order_of_the_list_gives_the_same_study(
    bundle: Path, tmp_path: Path, write: Callable[[list[dict[str, Any]]], str]
) -> None:
    load_bundle(folder=bundle)
    before = set(Pair.objects.values_list("condition__attributor", "image__name", "original__digest"))
    assert load_bundle(folder=laid_out(bundle, write)).change is Change.UNCHANGED
    Study.objects.all().delete()
    assert load_bundle(folder=bundle).change is Change.LOADED
    assert set(Pair.objects.values_list("condition__attributor", "image__name", "original__digest")) == before


def test_keys_of_trials_follow_the_order_of_the_fixture(bundle: Path) -> None:
    load_bundle(folder=bundle)
    keys = [fields["key"] for fields in fields_of(read_fixture_text(bundle)[0], "trial")]
    assert list(Trial.objects.order_by("pk").values_list("key", flat=True)) == keys


@pytest.mark.parametrize("text", ["[{}", '[{"model": "studies.study"}, ]', "[] []", '{"a": 1}', "nothing", ""])
def test_a_fixture_that_is_no_json_list_is_refused(bundle: Path, text: str) -> None:
    with pytest.raises(BundleError, match=r"study\.json: (cannot be read as JSON|is not a list|object 0).*; export"):
        load_bundle(folder=laid_out(bundle, lambda objects: text))
    assert not Study.objects.exists()


def test_an_object_that_comes_again_far_behind_is_named_by_its_second_place(bundle: Path) -> None:
    def again(objects: list[dict[str, Any]]) -> str:
        return json.dumps([*objects, next(item for item in objects if item["model"] == "studies.pair")])

    number = len(read_fixture_text(bundle)[0])
    message = rf"study\.json: object {number}: studies\.pair \['small', .*'image-0000'\] comes twice"
    with pytest.raises(BundleError, match=message):
        load_bundle(folder=laid_out(bundle, again))


def test_a_reference_cannot_be_made_of_parts_of_another(bundle: Path) -> None:
    def joined(objects: list[dict[str, Any]]) -> str:
        fields_of(objects, "image")[0]["name"] = "a"
        for pair in fields_of(objects, "pair"):
            pair["image"] = ["small\0a"]
        return json.dumps(objects)

    with pytest.raises(BundleError, match=r"image: texts may hold no NUL characters"):
        load_bundle(folder=laid_out(bundle, joined))


@pytest.mark.parametrize("size", [25, 8])
def test_a_pair_of_pictures_of_two_sizes_is_named(bundle: Path, tmp_path: Path, size: int) -> None:
    other = write_bundle(tmp_path / "other", slug="other", images=1, size=size)
    objects, files = read_fixture_text(bundle)
    foreign = fields_of(read_fixture_text(other)[0], "picture")[0]
    name = f"media/{foreign['digest']}.png"
    (bundle / name).write_bytes((other / name).read_bytes())
    fields_of(objects, "pair")[3]["finetuned"] = [foreign["digest"]]
    write_fixture(
        bundle, [*objects, {"model": "studies.picture", "fields": foreign}], {**files, name: foreign["digest"]}
    )
    with pytest.raises(BundleError, match=r"studies\.pair \['small', .*\]: its pictures differ in size"):
        load_bundle(folder=bundle)


def test_no_picture_is_stored_of_a_bundle_with_a_wrong_fixture(bundle: Path) -> None:
    def wrong(objects: list[dict[str, Any]]) -> str:
        fields_of(objects, "trial")[-1]["pair"] = ["small", "lost"]
        return json.dumps(objects)

    with pytest.raises(BundleError, match="is not in the fixture"):
        load_bundle(folder=laid_out(bundle, wrong))
    assert not default_storage.exists("pictures")


def test_no_picture_is_stored_where_the_study_has_other_answers(participation: Participation, tmp_path: Path) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    before = set(default_storage.listdir("pictures")[1])
    with pytest.raises(BundleError, match="has responses"):
        load_bundle(folder=write_bundle(tmp_path / "other", slug="tiny", seed=9))
    assert set(default_storage.listdir("pictures")[1]) == before


def test_a_picture_beyond_the_fixture_is_checked_and_not_stored(bundle: Path, tmp_path: Path) -> None:
    objects, files = read_fixture_text(bundle)
    more = write_bundle(tmp_path / "more", slug="more", images=1, seed=77)
    name = sorted((more / "media").iterdir())[0].name
    (bundle / "media" / name).write_bytes((more / "media" / name).read_bytes())
    write_fixture(bundle, objects, {**files, f"media/{name}": name.removesuffix(".png")})
    assert load_bundle(folder=bundle).copied == 14
    assert not default_storage.exists(f"pictures/{name}")
    (bundle / "media" / name).write_bytes(b"damaged")
    with pytest.raises(BundleError, match=rf"{name}: its SHA-256 is"):
        load_bundle(folder=bundle)


def test_progress_counts_every_picture_once(bundle: Path) -> None:
    watched: list[tuple[int, str]] = []
    ticks: list[Any] = []

    def watch(items: Any, what: str) -> Any:
        watched.append((len(items), what))
        for item in items:
            ticks.append(item)
            yield item

    load_bundle(folder=bundle, watch=watch)
    assert watched == [(14, "checking and copying")]
    assert len(ticks) == 14


def test_the_digest_of_a_bundle_is_that_of_its_list_of_files(bundle: Path) -> None:
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    expected = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    assert load_bundle(folder=bundle).study.bundle_digest == expected


def peak_of_reading(folder: Path) -> int:
    tracemalloc.start()
    try:
        with opened_scratch() as scratch:
            read_fixture(read_manifest(folder, scratch))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def repeated(folder: Path, trials: int) -> Path:
    """Give a bundle so many trials of its pairs, one object a line."""

    def write(objects: list[dict[str, Any]]) -> str:
        shown = fields_of(objects, "trial")
        more = [{**shown[number % len(shown)], "key": f"more-{number:06}"} for number in range(trials)]
        objects += [{"model": "studies.trial", "fields": fields} for fields in more]
        return "[" + ",\n".join(json.dumps(item) for item in objects) + "]"

    return laid_out(folder, write)


def test_reading_takes_no_more_memory_for_four_times_as_many_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.bundles.json_stream.CHUNK", 64 * 1024)
    few = repeated(write_bundle(tmp_path / "few", slug="few", images=1), 5_000)
    many = repeated(write_bundle(tmp_path / "many", slug="many", images=1), 20_000)
    peak_of_reading(few)
    assert peak_of_reading(many) < peak_of_reading(few) + 100_000
