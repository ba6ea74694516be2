"""The Psych-DS dataset of a study, held against the rules of the schema."""

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from studies.exports.files import FILES
from studies.exports.psych_ds import data_name, write_folder
from studies.models import Participation, Study
from studies.tests.flow_studies import add_protocol
from studies.tests.psych_ds import DATA_FILE, errors, warnings
from studies.tests.test_drawing import draw_all
from studies.tests.test_export_files import with_page

Break = Callable[[Path], object]


@pytest.fixture
def dataset(participation: Participation, tmp_path: Path) -> Path:
    """A dataset of 12 answers and a page."""
    draw_all(participation)
    with_page(participation, {"age": 30, "remarks": '=1+1\n, "quoted"'})
    add_protocol(participation.study)
    write_folder(participation.study, tmp_path / "made")
    return tmp_path / "made"


def test_no_rule_is_broken(dataset: Path) -> None:
    assert errors(dataset) == []


def test_every_convention_about_files_and_words_is_kept(dataset: Path) -> None:
    assert warnings(dataset) == []


def test_a_study_without_answers_breaks_no_rule(tiny_study: Study, tmp_path: Path) -> None:
    write_folder(tiny_study, tmp_path / "made")
    assert errors(tmp_path / "made") == []


def metadata_without(key: str) -> Break:
    def change(root: Path) -> None:
        path = root / "dataset_description.json"
        document = json.loads(path.read_text())
        del document[key]
        path.write_text(json.dumps(document))

    return change


def responses_of(root: Path) -> Path:
    return root / "data" / "study-tiny_description-responses_data.csv"


def with_line_twice(root: Path) -> None:
    path = responses_of(root)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-1]]))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (metadata_without("@type"), "MISSING_DATASET_TYPE"),
        (metadata_without("@context"), "JSON_KEY_REQUIRED @context"),
        (metadata_without("description"), "JSON_KEY_REQUIRED description"),
        (lambda root: (root / "dataset_description.json").write_text("{"), "JSON_INVALID"),
        (lambda root: responses_of(root).rename(root / "data/responses.csv"), "FILENAME_KEYWORD_FORMATTING_ERROR"),
        (lambda root: responses_of(root).write_text("a,b\n1\n"), "CSV_HEADER_LENGTH_MISMATCH"),
        (lambda root: responses_of(root).write_text("unknown\n1\n"), "CSV_COLUMN_MISSING_FROM_METADATA unknown"),
        (with_line_twice, "ROWID_VALUES_NOT_UNIQUE"),
        (
            lambda root: (root / "data/study-tiny_description-pages_data.csv").unlink(),
            "VARIABLE_MISSING_FROM_CSV_COLUMNS answer",
        ),
    ],
)
def test_the_checker_sees_what_is_broken(dataset: Path, change: Break, code: str) -> None:
    change(dataset)
    assert any(one.startswith(code) for one in errors(dataset))


@pytest.mark.parametrize("slug", ["cats-2026", "CATS_2", "---", "_"])
def test_the_names_of_data_files_are_keyed_whatever_the_slug(slug: str) -> None:
    assert DATA_FILE.fullmatch(data_name(Study(pk=5, slug=slug), "responses"))


def test_every_column_is_described_with_words(dataset: Path) -> None:
    document = json.loads((dataset / "dataset_description.json").read_text())
    assert all(len(variable["description"]) > 10 for variable in document["variableMeasured"])


def test_simulated_annotators_are_told_first(tiny_study: Study, tmp_path: Path) -> None:
    tiny_study.is_simulated = True
    write_folder(tiny_study, tmp_path / "made")
    document = json.loads((tmp_path / "made" / "dataset_description.json").read_text())
    assert document["description"].startswith("Simulated annotators")
    assert "Simulated annotators" in (tmp_path / "made" / "README.md").read_text()


def test_the_protocol_goes_with_the_data(dataset: Path) -> None:
    assert 'kind = "consent"' in (dataset / "materials" / "protocol-1.toml").read_text()
    assert "version 1 of the protocol" in (dataset / "CHANGES.md").read_text()


def test_the_zip_holds_the_same_files_in_one_folder(dataset: Path, participation: Participation) -> None:
    made = b"".join(FILES["psych-ds.zip"].chunks(participation.study))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        names = {name.removeprefix("tiny/") for name in archive.namelist()}
        assert archive.testzip() is None
        assert all(stat.S_IMODE(one.external_attr >> 16) == 0o644 for one in archive.infolist())
    assert names == {str(path.relative_to(dataset)) for path in dataset.rglob("*") if path.is_file()}
