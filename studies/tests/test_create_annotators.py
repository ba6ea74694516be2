"""manage.py create_annotators STUDY."""

import csv
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from studies.models import Participation, Study, User
from studies.services import copy_study
from studies.tests.test_drawing import NewUser


def create(*arguments: str) -> list[dict[str, str]]:
    out = StringIO()
    call_command("create_annotators", *arguments, stdout=out, stderr=StringIO())
    return list(csv.DictReader(StringIO(out.getvalue())))


def test_the_printed_passwords_log_in(tiny_study: Study, client: Client) -> None:
    accounts = create("tiny", "--count", "2")
    assert [(account["username"], account["code"]) for account in accounts] == [
        ("tiny-a01", "A01"),
        ("tiny-a02", "A02"),
    ]
    assert len({account["password"] for account in accounts}) == 2
    for account in accounts:
        reply = client.post("/accounts/login/", {"username": account["username"], "password": account["password"]})
        assert (reply.status_code, reply.headers["Location"]) == (302, "/")
        assert client.get("/studies/tiny/").status_code == 200
        client.logout()


def test_the_passwords_are_said_to_be_shown_once(tiny_study: Study, new_user: NewUser) -> None:
    err = StringIO()
    call_command("create_annotators", "tiny", "--count", "1", stdout=StringIO(), stderr=err)
    assert err.getvalue() == "The passwords are shown once: keep them. They stay valid until they are changed.\n"
    new_user("ana")
    err = StringIO()
    call_command("create_annotators", "tiny", "--usernames", "ana", stdout=StringIO(), stderr=err)
    assert err.getvalue() == ""


@pytest.mark.parametrize("arguments", [["--count", "1"], ["--usernames", "ana"]])
def test_a_simulated_study_takes_no_people(tiny_study: Study, arguments: list[str]) -> None:
    copy_study(study=tiny_study, slug="copy", is_simulated=True)
    with pytest.raises(CommandError, match="the annotators of copy are simulated"):
        create("copy", *arguments)
    assert not User.objects.exists()


def test_codes_go_on_where_they_stopped(tiny_study: Study) -> None:
    create("tiny", "--count", "2")
    assert [account["code"] for account in create("tiny", "--count", "1", "--prefix", "guest")] == ["A03"]
    assert User.objects.filter(username="guest-a03").exists()


def test_a_csv_can_be_read_by_its_owner_alone(tiny_study: Study, tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    call_command("create_annotators", "tiny", "--count", "1", "--csv", str(path), stdout=StringIO())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("username,password,code\ntiny-a01,")


def test_no_account_is_made_where_the_passwords_cannot_be_written(tiny_study: Study, tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("kept")
    for name in ("accounts.csv", "no folder/accounts.csv"):
        with pytest.raises(CommandError, match=r"accounts\.csv"):
            create("tiny", "--count", "1", "--csv", str(tmp_path / name))
    assert not User.objects.exists()
    assert (tmp_path / "accounts.csv").read_text() == "kept"


def test_users_who_have_an_account_keep_their_password(tiny_study: Study, new_user: NewUser) -> None:
    user = new_user("ana")
    accounts = create("tiny", "--usernames", "ana", "ben")
    assert accounts[0] == {"username": "ana", "password": "(has an account already)", "code": "A01"}
    assert accounts[1]["code"] == "A02"
    before = user.password
    user.refresh_from_db()
    assert user.password == before
    assert create("tiny", "--usernames", "ana")[0]["code"] == "A01"
    assert Participation.objects.count() == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lost", "--count", "1"], r'there is no study "lost" \(known: tiny\)'),
        (["tiny", "--count", "0"], "at least one annotator"),
        (["tiny", "--usernames", "no spaces please"], "valid username"),
        (["tiny"], "required"),
        (["tiny", "--count", "1", "--usernames", "ana"], "not allowed with"),
    ],
)
def test_what_cannot_be_done_is_refused(tiny_study: Study, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        create(*arguments)
    assert not User.objects.exists()


def test_a_taken_user_name_is_refused_and_nothing_is_made(tiny_study: Study, new_user: NewUser) -> None:
    new_user("tiny-a02")
    with pytest.raises(CommandError, match="tiny-a02 is taken; give another prefix"):
        create("tiny", "--count", "3")
    assert User.objects.count() == 1
