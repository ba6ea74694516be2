"""The planning page."""

import re
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from analysis.tests.import_files import run, write
from studies.models import Study, User
from studies.services import copy_study
from studies.simulation import simulate_annotators

ADDRESS = "/planning/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def researcher() -> User:
    return User.objects.create_user("researcher", is_staff=True)


@pytest.fixture
def page(client: Client, researcher: User) -> Client:
    client.force_login(researcher)
    return client


def words(client: Client, **given: str) -> str:
    """The page's text, one space between words."""
    reply = client.get(ADDRESS, given)
    assert reply.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", reply.content.decode())))


def test_without_a_question_it_plans_from_the_published_components(page: Client) -> None:
    text = words(page)
    assert "to find .10 32 6,400 labels" in text
    assert "Variance components of the published study (means over its 30 conditions, 5 annotators)" in text
    assert "images .056 24" in text


def test_it_answers_what_the_address_asks(page: Client) -> None:
    text = words(page, images="100", labels="5", effects="0.2; .1", annotators="10 40", power="0.9", looks="5")
    assert "in one condition of 100 images with 5 labels each" in text
    assert "Annotators Labels Half width Power to find a net preference of .10 .20 10 500" in text
    assert "planned_looks = 5" in text
    assert "Look At Boundary |z| p value Error spent 1 20 % 4.56 p < .001" in text.replace("\u202f", " ")


def test_what_is_out_of_reach_is_said_with_the_reason(page: Client) -> None:
    text = words(page, images="20", effects="0.05")
    assert "to find .05 – out of reach" in text
    assert "Out of reach: no number of annotators is enough with 20 images; take more." in text


def test_it_names_the_command_that_does_the_same(page: Client) -> None:
    assert (
        "manage.py plan_study --components image=0.1,annotator=0.02,residual=0.3 --effect 0.1 --images 50 "
        "--annotators 5 10 --labels-per-image 4 --power 0.8 --half-width 0.1 --looks 2"
    ) in words(
        page, components="own", image="0.1", annotator="0.02", residual="0.3", effects="0.1", images="50",
        annotators="10 5 5", labels="4", looks="2",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"effects": "0.1 zero"}, "“zero” is no number with a decimal point."),
        ({"effects": ""}, "This field is required."),
        ({"effects": ", ;"}, "Give at least one number."),
        ({"effects": "nan"}, "nan is impossible; give numbers from 0.001 to 1."),
        ({"effects": ".1 .2 .3 .4 .5 .6 .7"}, "These are 7 numbers; give at most 6."),
        ({"annotators": "5.5"}, "“5.5” is no whole number."),
        ({"annotators": "1"}, "1 is impossible; give numbers from 2 to 100,000."),
        ({"annotators": "9" * 200}, "is impossible; give numbers"),
        ({"images": "1"}, "Ensure this value is greater than or equal to 2."),
        ({"images": "many"}, "Enter a whole number."),
        ({"labels": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"power": "80"}, "Ensure this value is less than or equal to 0.999."),
        ({"half_width": "0"}, "Ensure this value is greater than or equal to 0.001."),
        ({"looks": "101"}, "Ensure this value is less than or equal to 100."),
        ({"components": "own", "annotator": ""}, "Give a variance, such as 0.05."),
        ({"components": "own", "image": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"components": "own", "image": "inf"}, "Enter a number."),
        ({"components": "everything"}, "Select a valid choice."),
        ({"images": "20", "annotators": "40", "labels": "1"}, "Labels: 40 annotators and 20 images give 40 to 800"),
    ],
)
def test_what_cannot_be_planned_is_said_beside_the_form(page: Client, given: dict[str, str], fault: str) -> None:
    text = words(page, **given)
    assert fault in text
    assert "This cannot be planned yet." in text
    assert "Where the spread comes from" not in text


def test_what_is_given_is_shown_again_and_escaped(page: Client) -> None:
    content = page.get(ADDRESS, {"effects": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in content
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content


def test_unknown_and_repeated_names_in_the_address_do_no_harm(page: Client) -> None:
    assert page.get(f"{ADDRESS}?images=50&images=100&surprise=1").status_code == 200
    assert page.get(f"{ADDRESS}?images=%00").status_code == 200


def copied(study: Study, slug: str, owner: User, *, annotators: int = 3) -> Study:
    """A study of the owner's that so many simulated annotators have answered."""
    copy = copy_study(study=study, slug=slug, is_simulated=True)
    Study.objects.filter(pk=copy.pk).update(owner=owner)
    if annotators:
        simulate_annotators(study=copy, annotators=annotators, seed=1)
    return copy


def test_a_pilot_study_of_ones_own_gives_its_components(page: Client, tiny_study: Study, researcher: User) -> None:
    copied(tiny_study, "pilot", researcher)
    text = words(page, components="study:pilot")
    assert "Variance components of the study pilot: 24 answers in 4 conditions, 3 annotators and 3 images" in text
    assert "Take the plan with caution: the components come from only 3 annotators and only 3 images" in text
    assert "plan_study --components pilot" in text


def test_studies_of_others_and_studies_without_answers_are_not_offered(
    page: Client, tiny_study: Study, researcher: User
) -> None:
    other = User.objects.create_user("other", is_staff=True)
    copied(tiny_study, "of-somebody-else", other)
    copied(tiny_study, "empty", researcher, annotators=0)
    content = page.get(ADDRESS).content.decode()
    assert "of-somebody-else" not in content
    assert 'value="study:empty"' not in content
    for slug in ("of-somebody-else", "empty", "nowhere"):
        assert "Select a valid choice." in words(page, components=f"study:{slug}")


@pytest.mark.usefixtures("own_media")
def test_responses_that_were_given_elsewhere_serve_as_a_pilot(page: Client, researcher: User, tmp_path: Path) -> None:
    text = "annotator,image,choice\n" + "".join(
        f"A{annotator},image{image},{'finetuned' if (image + annotator) % 3 else 'original'}\n"
        for annotator in range(4)
        for image in range(10)
    )
    run("import_responses", write(tmp_path / "a.csv", text), slug="given", title="Elsewhere", owner=researcher.username)
    assert "Variance components of the study given: 40 answers in 1 condition, 4 annotators and 10 images" in words(
        page, components="study:given"
    )


def test_a_study_whose_answers_give_no_components_says_why(page: Client, tiny_study: Study, researcher: User) -> None:
    copied(tiny_study, "pilot", researcher, annotators=1)
    assert (
        "Study pilot: its answers give no components: needs at least two annotators; take the published ones, or your "
        "own numbers."
    ) in words(page, components="study:pilot")


def test_new_answers_give_new_components(page: Client, tiny_study: Study, researcher: User) -> None:
    copy = copied(tiny_study, "pilot", researcher)
    before = words(page, components="study:pilot")
    assert words(page, components="study:pilot") == before
    copy.participations.filter(code="SIM01").update(is_excluded=True)
    assert words(page, components="study:pilot") != before


def test_the_page_costs_the_same_queries_however_many_studies_there_are(
    page: Client, tiny_study: Study, researcher: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        copied(tiny_study, f"pilot-{number}", researcher)
    # Session, user, and the studies with answers.
    with django_assert_num_queries(3):
        page.get(ADDRESS)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_only_reads(page: Client, method: str) -> None:
    assert getattr(page, method)(ADDRESS).status_code == 405


def test_annotators_find_nothing(client: Client) -> None:
    client.force_login(User.objects.create_user("annotator"))
    assert client.get(ADDRESS).status_code == 404


def test_the_list_of_studies_leads_to_it(page: Client) -> None:
    assert f'href="{ADDRESS}"' in page.get("/dashboard/").content.decode()


def test_the_charts_show_each_effect_and_hold_at_the_edges(page: Client) -> None:
    for given in (
        {"annotators": "2"},
        {"annotators": "2 100000", "effects": "0.001 1"},
        {"images": "2", "labels": "1", "annotators": "2"},
        {"components": "own", "image": "0", "annotator": "0", "residual": "0"},
        {"components": "own", "image": "1", "annotator": "1", "residual": "1", "half_width": "0.999"},
    ):
        content = page.get(ADDRESS, given).content.decode()
        assert content.count('<polyline class="plan-line') >= 2, given
        assert "nan" not in content
        assert "inf," not in content
