"""The page where a config is written: it is checked, started, or refused with nothing lost of what was typed."""

import html
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studies.builds.log import line_write
from studies.dashboard.build_forms import LARGEST_CONFIG, example_names, plain_name
from studies.models import Build, Study, User
from studies.tests import build_configs
from studies.tests.build_pages import address, client_of, page_of, words
from studies.tests.build_site import BuildSite, config

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def client_of_builder(builder: User) -> Client:
    return client_of(builder)


def send(client: Client, text: str, *, do: str = "start", **more: object) -> tuple[int, str]:
    reply = client.post(reverse("build_new"), {"text": text, "do": do, **more})
    return reply.status_code, reply.content.decode()


def test_a_sound_config_is_started_and_its_page_shown(client_of_builder: Client, build_site: BuildSite) -> None:
    reply = client_of_builder.post(reverse("build_new"), {"text": config(), "file_name": "mine.toml", "do": "start"})
    build = Build.objects.get()
    assert reply.headers["Location"] == address("build", build)
    assert (build.name, build.file_name, build.trusted, build.base) == ("built", "mine.toml", False, "")
    assert build.owner is not None
    assert build.owner.username == "builder"


def test_checking_says_what_the_build_would_do_and_starts_nothing(
    client_of_builder: Client, build_site: BuildSite
) -> None:
    status, page = send(client_of_builder, build_configs.CONFIG, do="check")
    assert status == 200
    text = words(page)
    assert "Conditions 4 = 2 metrics × 2 attributors × 1 network" in text
    assert "Trials at most 80" in text
    assert "Answers at most 400, 5 per trial" in text
    assert "images shapes/images masks shapes/masks" in text
    assert "Focus × GuidedBackprop SmallCNN 40 steps" in text
    assert not Build.objects.exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            build_configs.config(pairs="100000"),
            "study.toml: pairs: 100,000 in 4 conditions make up to 700,002 pictures, and a study may have 500,000: "
            "take at most 71,428 pairs",
        ),
        (
            build_configs.CONFIG.replace(
                'network.pt"',
                'network.pt"\npreprocessing = { size = 99999, mean = [0.5, 0.5, 0.5], std = [0.2, 0.2, 0.2] }',
            ),
            "study.toml: network.preprocessing.size: use at most 2048 pixels",
        ),
    ],
    ids=["pairs", "size"],
)
def test_checking_refuses_sizes_that_no_build_could_end_with(
    client_of_builder: Client, build_site: BuildSite, text: str, problem: str
) -> None:
    status, page = send(client_of_builder, text, do="check", file_name="study.toml")
    assert status == 400
    assert problem in words(page)


def test_checking_says_that_the_study_of_that_name_gets_other_trials(
    client_of_builder: Client, builder: User, build_site: BuildSite
) -> None:
    said = "There is a study of this name. The build replaces its trials"
    assert said not in words(send(client_of_builder, config(), do="check")[1])
    study = Study.objects.create(slug="built", title="Built before", question="Which?", owner=User.objects.create())
    # A study of somebody else is none to this researcher.
    assert said not in words(send(client_of_builder, config(), do="check")[1])
    study.owner = builder
    study.save()
    assert said in words(send(client_of_builder, config(), do="check")[1])


def test_a_wrong_config_is_told_by_file_and_key_and_stays_as_it_was_typed(
    client_of_builder: Client, build_site: BuildSite
) -> None:
    typed = config().replace("pairs = 6", 'pairs = "six"  # as many as I have')
    for do in ("check", "start"):
        status, page = send(client_of_builder, typed, do=do, file_name="mine.toml")
        assert status == 400
        assert "mine.toml: pairs:" in words(page)
        assert html.escape(typed) in page
    assert not Build.objects.exists()


def test_every_fault_of_a_config_is_told(client_of_builder: Client, build_site: BuildSite) -> None:
    typed = config().replace("pairs = 6", "pairs = 0").replace("seed = 1", "seed = -1")
    _, page = send(client_of_builder, typed)
    assert "2 things are wrong with the config:" in words(page)
    assert "study.toml: pairs:" in words(page)
    assert "study.toml: seed:" in words(page)


def test_the_line_of_a_syntax_error_can_be_gone_to(client_of_builder: Client, build_site: BuildSite) -> None:
    _, page = send(client_of_builder, 'name = "a"\ntitle = \n')
    assert 'data-line="2"' in page


def test_an_uploaded_file_goes_before_the_text_and_is_shown(client_of_builder: Client, build_site: BuildSite) -> None:
    file = SimpleUploadedFile("lab.toml", b"\xef\xbb\xbf" + config("from-file").encode())
    status, page = send(client_of_builder, "something else", do="check", file=file)
    assert status == 200
    assert "name = &quot;from-file&quot;" in page
    assert 'value="lab.toml"' in page


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"#" * (LARGEST_CONFIG + 1), "is larger than 64 KiB"),
        (b"", "empty"),
    ],
)
def test_a_file_that_is_no_config_is_refused_and_the_typed_text_stays(
    client_of_builder: Client, build_site: BuildSite, content: bytes, told: str
) -> None:
    status, page = send(client_of_builder, "# typed", file=SimpleUploadedFile("a.toml", content))
    assert status == 400
    assert told in page
    assert "# typed" in page


def test_a_text_is_bounded_in_bytes(client_of_builder: Client, build_site: BuildSite) -> None:
    status, page = send(client_of_builder, "#" + "ä" * (LARGEST_CONFIG // 2))
    assert status == 400
    assert "longer than 64 KiB" in page


def test_no_text_at_all_is_asked_for(client_of_builder: Client, build_site: BuildSite) -> None:
    status, page = send(client_of_builder, " \r\n")
    assert status == 400
    assert "Write a config, choose a file" in words(page)


def test_a_name_that_is_taken_is_refused_with_the_text_kept(
    client_of_builder: Client, build_site: BuildSite, tiny_study: Study
) -> None:
    status, page = send(client_of_builder, config("tiny"))
    assert status == 409
    assert "The build was not started." in page
    assert "name = &quot;tiny&quot;" in page
    assert not Build.objects.exists()


def test_a_second_build_of_a_name_is_refused(client_of_builder: Client, build_site: BuildSite) -> None:
    send(client_of_builder, config())
    status, page = send(client_of_builder, config())
    assert status == 409
    assert "is under way already" in words(page)
    assert Build.objects.count() == 1


def test_names_are_never_markup(client_of_builder: Client, build_site: BuildSite) -> None:
    typed = config().replace("Maps of shapes", HOSTILE).replace('name = "shapes"', f'name = "{HOSTILE}"')
    _, checked = send(client_of_builder, typed, do="check", file_name=f"{HOSTILE}.toml")
    send(client_of_builder, typed, file_name=f"{HOSTILE}.toml")
    build = Build.objects.get()
    line_write(build=build, text=HOSTILE)
    Build.objects.update(error=HOSTILE, state=Build.State.FAILED)
    listed = client_of_builder.get(reverse("builds")).content.decode()
    for page in (checked, listed, page_of(client_of_builder, build)):
        assert HOSTILE not in page
        assert html.escape(HOSTILE) in page


@pytest.mark.parametrize("name", example_names())
def test_every_example_can_be_started_from(client_of_builder: Client, build_site: BuildSite, name: str) -> None:
    page = client_of_builder.get(reverse("build_new"), {"example": name}).content.decode()
    found = re.search(r"<textarea[^>]*>\n(.*)</textarea>", page, re.DOTALL)
    assert found is not None
    status, checked = send(client_of_builder, html.unescape(found[1]), do="check")
    assert status == 200
    assert "A worker will refuse them" not in checked


def test_paths_that_lead_out_of_the_folder_of_data_sets_are_pointed_out(
    client_of_builder: Client, build_site: BuildSite
) -> None:
    typed = config().replace('images = "shapes"', 'images = "a/../../shapes"\nmasks = "$DATA/masks"')
    _, page = send(client_of_builder, typed, do="check")
    assert "A worker will refuse them: a/../../shapes $DATA/masks" in words(page)


def test_an_example_that_is_not_there_is_an_empty_text(client_of_builder: Client, build_site: BuildSite) -> None:
    page = client_of_builder.get(reverse("build_new"), {"example": "../../harmony_app/settings"}).content.decode()
    assert re.search(r"<textarea[^>]*>\s*</textarea>", page)


def test_a_new_build_starts_from_an_earlier_ones_config_but_not_from_someone_elses(
    client_of_builder: Client, build_site: BuildSite
) -> None:
    mine = build_site.start(User.objects.get(username="builder"), config("mine"))
    theirs = build_site.start(None, config("theirs"))
    asked = {build: client_of_builder.get(reverse("build_new"), {"build": str(build.key)}) for build in (mine, theirs)}
    assert "name = &quot;mine&quot;" in asked[mine].content.decode()
    assert asked[theirs].status_code == 404
    assert client_of_builder.get(reverse("build_new"), {"build": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("C:\\Users\\ada\\study.toml", "study.toml"),
        ("../../etc/study.toml", "study.toml"),
        ("a\nb\0c.toml", "abc.toml"),
        ("", "study.toml"),
        ("x" * 300 + ".toml", "x" * 195 + ".toml"),
    ],
)
def test_a_files_name_is_its_last_part_and_bounded(name: str, plain: str) -> None:
    assert plain_name(name) == plain
