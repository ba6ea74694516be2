"""Bundles loaded into PostgreSQL, where rows go in by COPY: every value comes back as it was."""

import json
from pathlib import Path
from typing import Any

import pytest

from harmony_app.tests.servers import LiveSite, Postgres
from studies.tests.bundles import read_fixture_text, write_bundle, write_fixture

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

AWKWARD = [
    "tab\there",
    "line\nfeed\r\n",
    "back\\slash\\t",
    "\\N",
    "\\.",
    "'quoted' \"twice\"",
    "{a,b}",
    "é \U0001f600",
    "NULL",
]
SCORES = [0.1, 1e-320, 1.7976931348623157e308, -0.0, 1 / 3, 123456789.123456789, None, 2.0**-40, 5.0]

SCRIPT = """
import json, sys
from pathlib import Path
import django
django.setup()
from studies.models import Condition, Image, Pair, Picture, Trial
from studies.services import load_bundle

changes = [load_bundle(folder=Path(folder)).change.value for folder in sys.argv[1:]]
pair = ("condition__attributor", "image__name", "original__digest", "finetuned__digest")
pair += ("score_original", "score_finetuned", "target", "prediction_original", "prediction_finetuned")
pair += ("confidence_original", "confidence_finetuned")
print(json.dumps({
    "changes": changes,
    "pairs": [list(row) for row in Pair.objects.order_by("pk").values_list(*pair)],
    "images": [list(row) for row in Image.objects.order_by("pk").values_list("name", "label", "picture__digest")],
    "conditions": list(map(list, Condition.objects.order_by("pk").values_list("attributor", "improved", "summary"))),
    "trials": [list(row) for row in Trial.objects.order_by("pk").values_list("key", "pair__image__name")],
    "fresh": list(map(list, set(Trial.objects.values_list("assigned", "expected", "feedback", "is_retired")))),
    "pictures": Picture.objects.count(),
}))
"""


@pytest.fixture
def site(postgres: Postgres, tmp_path: Path) -> LiveSite:
    """A site with its tables made, which serves nothing."""
    made = LiveSite(tmp_path, postgres.new_database(), 1)
    made.manage("migrate", "--verbosity", "0")
    return made


def awkward_bundle(folder: Path, slug: str) -> Path:
    """Nine images in one condition, with texts and numbers that are hard to pass on."""
    write_bundle(folder, slug=slug, images=len(AWKWARD), metrics=["RMA"], attributors=["GradCAM"], size=4)
    objects, files = read_fixture_text(folder)
    names = {f"image-{number:04}": f"{text} {number}" for number, text in enumerate(AWKWARD)}
    for item in objects:
        fields, place = item["fields"], 0
        if item["model"] == "studies.image":
            fields["name"] = names[fields["name"]]
            fields["label"] = fields["name"][:-2]
        if item["model"] == "studies.pair":
            place = list(names).index(fields["image"][1])
            fields |= {"image": [slug, names[fields["image"][1]]], "target": AWKWARD[place]}
            fields |= {"score_original": SCORES[place], "score_finetuned": SCORES[-place]}
        if item["model"] == "studies.trial":
            fields["pair"][-1] = names[fields["pair"][-1]]
            fields["key"] = AWKWARD[int(fields["key"])] + fields["key"]
    write_fixture(folder, objects, {name: digest for name, digest in files.items() if name != "study.json"})
    return folder


def of(objects: list[dict[str, Any]], model: str, *names: str) -> list[list[Any]]:
    return [[item["fields"][name] for name in names] for item in objects if item["model"] == f"studies.{model}"]


def test_every_value_comes_back_as_it_was_and_in_its_order(site: LiveSite, tmp_path: Path) -> None:
    folder = awkward_bundle(tmp_path / "bundle", "awkward")
    told = json.loads(site.python("-c", SCRIPT, str(folder), str(folder)))
    objects, _ = read_fixture_text(folder)
    names = ("score_original", "score_finetuned", "target", "prediction_original", "prediction_finetuned")
    pairs = of(objects, "pair", "condition", "image", "original", "finetuned", *names, "confidence_original")
    expected = [[key[-1], image[1], one[0], two[0], *rest, 0.8] for key, image, one, two, *rest in pairs]
    assert told["pairs"] == expected
    assert told["images"] == [
        [name, label, key[0]] for name, label, key in of(objects, "image", "name", "label", "picture")
    ]
    assert told["conditions"] == of(objects, "condition", "attributor", "improved", "summary")
    assert told["trials"] == [[key, pair[-1]] for key, pair in of(objects, "trial", "key", "pair")]
    assert told["fresh"] == [[0, "", "", False]]
    assert told["changes"] == ["loaded", "unchanged"]


def test_a_second_study_takes_the_pictures_of_the_first_and_a_change_replaces_its_rows(
    site: LiveSite, tmp_path: Path
) -> None:
    first = write_bundle(tmp_path / "first", slug="first", images=2)
    second = write_bundle(tmp_path / "second", slug="second", images=2)
    changed = write_bundle(tmp_path / "changed", slug="second", images=3)
    told = json.loads(site.python("-c", SCRIPT, str(first), str(second), str(changed), str(second)))
    assert told["changes"] == ["loaded", "loaded", "updated", "updated"]
    assert len(told["trials"]) == 8 + 8


def test_what_loaddata_wrote_is_known_as_the_bundles(site: LiveSite, tmp_path: Path) -> None:
    folder = awkward_bundle(tmp_path / "bundle", "awkward")
    site.manage("loaddata", str(folder / "study.json"), "--verbosity", "0")
    assert json.loads(site.python("-c", SCRIPT, str(folder)))["changes"] == ["unchanged"]
