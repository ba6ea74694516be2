"""What export_responses writes, import_responses reads again as it was."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.imported import imported_decisions
from analysis.measures.judgements import COLUMNS
from analysis.selectors import judgement_frame
from analysis.tests.import_files import refused, run, write
from studies.exports.formulas import neutralised, restored
from studies.models import AuditEntry, Participation, Study, User
from studies.services import enrol
from studies.services.quality import participation_exclude
from studies.services.withdrawal import participation_withdraw

pytestmark = pytest.mark.usefixtures("own_media")

ENDINGS = pytest.mark.parametrize("ending", ["csv", "parquet"])


def assert_same(frame: pd.DataFrame, other: pd.DataFrame) -> None:
    """Both are the same but for the study."""
    pd.testing.assert_frame_equal(frame.drop(columns="study"), other.drop(columns="study"), check_exact=True)


def there_and_back(slug: str, path: Path, **options: object) -> Study:
    run("export_responses", slug, out=path)
    run("import_responses", path, slug="again", **options)
    return Study.objects.get(slug="again")


@ENDINGS
def test_a_study_that_was_run_here_comes_back_exactly(answered_study: Study, tmp_path: Path, ending: str) -> None:
    again = there_and_back("answered", tmp_path / f"a.{ending}")
    assert_same(judgement_frame(answered_study), judgement_frame(again))


@ENDINGS
@pytest.mark.django_db
def test_every_column_comes_back_exactly(tmp_path: Path, ending: str) -> None:
    generator = np.random.default_rng(3)
    rows = 200
    frame = pd.DataFrame(
        {
            "metric": generator.choice(["RMA", "Focus", "=cmd|'/c calc'!A0"], rows),
            "image": [f"@image; -{row}" for row in range(rows)],
            "annotator": generator.choice(["+A1", "A2", "'A3", "Ä 4"], rows),
            "choice": generator.choice(["original", "finetuned", "equal", "both_bad", "neither"], rows),
            "side": generator.choice(["left", "right", ""], rows),
            "rt_ms": np.where(generator.random(rows) < 0.2, np.nan, generator.gamma(2, 700, rows)),
            "confidence": generator.integers(1, 6, rows),
            "position": generator.permutation(rows) + 1,
            "score_original": generator.normal(size=rows) * 1e-7,
            "score_finetuned": np.where(generator.random(rows) < 0.2, np.nan, generator.normal(size=rows) * 1e12),
            "direction": "lower",
            "is_repeat": generator.random(rows) < 0.2,
            "is_catch": generator.random(rows) < 0.2,
            "is_correct": generator.integers(0, 2, rows),
        }
    )
    frame.to_parquet(tmp_path / "given.parquet")
    run("import_responses", tmp_path / "given.parquet", slug="given")
    first = judgement_frame(Study.objects.get())
    assert first["rt_ms"].isna().any()
    assert first["is_correct"].notna().any()
    again = there_and_back("given", tmp_path / f"a.{ending}")
    assert_same(first, judgement_frame(again))


@ENDINGS
@pytest.mark.django_db
def test_decisions_come_back_exactly(tmp_path: Path, ending: str) -> None:
    text = (
        "participant,item,response,expected,position,rt_ms,group,is_catch\nP,cat,a,b,1,500.25,-x,1\nQ,dog,,a,2,,y,0\n"
    )
    run("import_responses", write(tmp_path / "given.csv", text), slug="given", kind="categories")
    again = there_and_back("given", tmp_path / f"a.{ending}", kind="categories")
    assert_same(imported_decisions(Study.objects.get(slug="given")), imported_decisions(again))


def test_no_cell_of_the_csv_is_a_formula(tmp_path: Path, db: None) -> None:
    names = ["=1+1", "@x", "a;=1", "\u200b-2", "＝3"]
    text = "annotator,image,choice\n" + "".join(f'A1,"{name}",original\n' for name in names if name.isprintable())
    run("import_responses", write(tmp_path / "given.csv", text), slug="given")
    run("export_responses", "given", out=tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        images = [row["image"] for row in csv.DictReader(file)]
    assert sorted(images) == sorted(neutralised(name) for name in names if name.isprintable())
    assert not any(image.startswith(("=", "@", "＝")) for image in images)


@given(st.text(alphabet="=+-@'\";| a\u200b\uff1d", max_size=12))
def test_what_keeps_a_text_from_being_a_formula_is_taken_off_again(text: str) -> None:
    assert restored(neutralised(text)) == text


def test_the_columns_are_those_of_the_judgement_frame(answered_study: Study, tmp_path: Path) -> None:
    told = run("export_responses", "answered", out=tmp_path / "a.csv")
    assert told == f"{tmp_path / 'a.csv'}: 24 responses\n"
    header = (tmp_path / "a.csv").read_text().splitlines()[0]
    assert header.replace('"', "").split(",") == list(COLUMNS)


def test_the_excluded_come_only_when_they_are_asked_for(answered_study: Study, tmp_path: Path) -> None:
    excluded = Participation.objects.filter(study=answered_study).order_by("code")[0]
    participation_exclude(excluded, "no sense", actor=None)
    run("export_responses", "answered", out=tmp_path / "a.csv")
    run("export_responses", "answered", out=tmp_path / "b.csv", with_excluded=True)
    without, all_of_them = pd.read_csv(tmp_path / "a.csv"), pd.read_csv(tmp_path / "b.csv")
    assert excluded.code not in set(without["annotator"])
    assert set(all_of_them["annotator"][all_of_them["is_excluded"] == 1]) == {excluded.code}
    assert len(all_of_them) == 24


def test_those_who_withdrew_are_never_exported(answered_study: Study, tmp_path: Path) -> None:
    gone = Participation.objects.filter(study=answered_study).order_by("code")[0]
    participation_withdraw(participation=gone, delete=False)
    run("export_responses", "answered", out=tmp_path / "a.csv", with_excluded=True)
    assert gone.code not in set(pd.read_csv(tmp_path / "a.csv")["annotator"])


def test_no_user_name_is_exported(tiny_study: Study, tmp_path: Path) -> None:
    user = User.objects.create_user("ada-lovelace")
    enrol(study=tiny_study, annotator=user)
    run("export_responses", "tiny", out=tmp_path / "a.csv")
    assert "ada" not in (tmp_path / "a.csv").read_text()


def test_an_export_is_in_the_log(answered_study: Study, tmp_path: Path) -> None:
    run("export_responses", "answered", out=tmp_path / "a.parquet")
    entry = AuditEntry.objects.filter(study=answered_study).latest("pk")
    assert (entry.action, entry.detail, entry.actor) == ("export", {"file": "responses.parquet"}, None)


def test_the_same_answers_give_the_same_bytes(answered_study: Study, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "a.parquet", "b.parquet"):
        run("export_responses", "answered", out=tmp_path / name)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("study", "name", "told"),
    [
        ("other", "a.csv", "unknown study 'other' (known: tiny)"),
        ("tiny", "a.xlsx", "ends in neither of .csv, .parquet"),
        ("tiny", "folder.csv", "is a folder; name a file"),
    ],
)
def test_what_cannot_be_written_is_told(tiny_study: Study, tmp_path: Path, study: str, name: str, told: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert told in refused("export_responses", study, out=tmp_path / name)
    assert not (tmp_path / "a.csv").exists()
