"""manage.py set_protocol, show_protocol, and load_study with a protocol and an owner."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from studies.models import AuditEntry, Protocol, Study, User
from studies.protocol.reading import read_protocol
from studies.services import protocol_set
from studies.tests.protocols import FULL, PLAIN


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def full(tmp_path: Path) -> str:
    file = tmp_path / "full.toml"
    file.write_text(FULL)
    return str(file)


def test_set_protocol_says_what_it_made_and_for_whom_it_holds(tiny_study: Study, full: str) -> None:
    said = run("set_protocol", "tiny", full)
    assert "tiny: version 1 is set (3 pages, 3 catch trials, 2 practice trials)" in said
    assert "nothing changed" in run("set_protocol", "tiny", full)


def test_set_protocol_tells_every_fault_with_the_files_name(tiny_study: Study, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('[[pages]]\nkind = "trails"\n[trials]\nundo = 1\n')
    with pytest.raises(CommandError) as caught:
        run("set_protocol", "tiny", str(file))
    assert str(caught.value).splitlines() == [
        "bad.toml: pages[0].kind: unknown value 'trails'; did you mean \"trials\"? "
        "(known: consent, text, questionnaire, plugin, practice, trials)",
        "bad.toml: trials.undo: 1 has the wrong type; write true or false, without quotes",
    ]


@pytest.mark.parametrize(
    ("content", "message"), [(b"title = '\xff'", "is not encoded as UTF-8"), (None, "cannot be read .No such file")]
)
def test_set_protocol_refuses_files_that_it_cannot_read(
    tiny_study: Study, tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "p.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        run("set_protocol", "tiny", str(file))


@pytest.mark.parametrize("command", [("set_protocol", "nope", "p.toml"), ("show_protocol", "nope")])
def test_an_unknown_study_is_refused_by_name(db: None, command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="unknown study 'nope'"):
        run(*command)


def test_show_protocol_prints_the_current_version_as_it_was_given_and_earlier_ones_by_number(
    tiny_study: Study,
) -> None:
    protocol_set(study=tiny_study, text=f"# First.\n{FULL}", name="full.toml")
    protocol_set(study=tiny_study, text=PLAIN, name="plain.toml", reason="Simpler.")
    assert run("show_protocol", "tiny").strip() == PLAIN.strip()
    assert run("show_protocol", "tiny", "--number", "1").startswith("# First.")
    assert [line.split()[0] for line in run("show_protocol", "tiny", "--list").splitlines()] == ["1", "2"]
    assert "Simpler." in run("show_protocol", "tiny", "--list")
    with pytest.raises(CommandError, match="tiny has no version 3"):
        run("show_protocol", "tiny", "--number", "3")


def test_show_protocol_writes_out_the_columns_of_a_study_without_one(tiny_study: Study) -> None:
    assert read_protocol(run("show_protocol", "tiny"), "p.toml") == tiny_study.plain_spec


def test_load_study_sets_protocol_and_owner(tiny_bundle: Path, full: str, new_user: Callable[..., User]) -> None:
    new_user("researcher", is_admin=True)
    said = run("load_study", str(tiny_bundle), "--protocol", full, "--owner", "researcher")
    study = Study.objects.get()
    assert "version 1 of the protocol holds" in said
    assert (study.owner, study.protocols.count()) == (User.objects.get(), 1)
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"protocol_set", "owner_changed"}


def test_load_study_loads_nothing_where_the_protocol_does_not_fit(tiny_bundle: Path, db: None, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(FULL.replace("make = 3", "make = 100"))
    with pytest.raises(CommandError, match=r"p\.toml: catch\.make: only 12 of 100 decoys"):
        run("load_study", str(tiny_bundle), "--protocol", str(file))
    assert not Study.objects.exists()


def test_load_study_gives_no_study_to_people_who_are_no_researchers(
    tiny_bundle: Path, new_user: Callable[..., User]
) -> None:
    new_user("annotator")
    with pytest.raises(CommandError, match="--owner: There is no researcher"):
        run("load_study", str(tiny_bundle), "--owner", "annotator")
    assert not Study.objects.exists()


def test_an_archived_study_keeps_its_protocol(tiny_study: Study, full: str) -> None:
    Study.objects.update(archived_at="2026-01-01T00:00:00Z")
    with pytest.raises(CommandError, match="the study tiny is archived"):
        run("set_protocol", "tiny", full)
    assert not Protocol.objects.exists()
