"""What is noted of builds, on German pages: in German what the site says itself, marked as English what others said."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django import Settings

from studies.builds import local, ticking
from studies.builds.asking import build_cancel, build_retry
from studies.builds.child import Child, ChildGoneError
from studies.builds.configs import LONGEST_CONFIG, ConfigError, checked_config
from studies.builds.steps import build_fail
from studies.dashboard.build_words import DEEPEST, LEFT_OUT, SPLITS, WORK, Phrases, told, told_shortly
from studies.models import Build, BuildLine, BuildStep, User
from studies.tests import build_configs
from studies.tests.build_pages import address, client_of, words
from studies.tests.build_site import BuildSite, fresh
from studies.tests.build_worker import order_faults
from studies.tests.test_build_losses import CHUNK

GERMAN = {"accept-language": "de"}
MARKED = re.compile(r'<span lang="en">(.*?)</span>', re.DOTALL)


def in_german(text: str) -> str:
    with translation.override("de"):
        return told(text)


def left_in_english(text: str) -> list[str]:
    """Return what of a text stays in English on German pages."""
    return MARKED.findall(in_german(text))


def german_page(client: Client, build: Build) -> str:
    return client.get(address("build", build), headers=GERMAN).content.decode()


def failed_in(build_site: BuildSite, owner: User, kind: str) -> Build:
    """Return a build that has failed in its first step with errors of this kind."""
    build = build_site.start(owner)
    order_faults(build_site.storage, plan=[kind] * 9)
    for _ in range(9):
        build_site.work()
        build_site.pass_time(build, 61)
        ticking.builds_tick()
    return fresh(build)


# Errors


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("image", "Nehmen Sie das Bild aus dem Datensatz"),
        ("passing", "Das wurde 4-mal versucht."),
        ("fault", "Das ist ein Fehler im Programm (2-mal aufgetreten, zuletzt bei: worker-"),
    ],
)
def test_the_remedy_of_an_error_is_german_and_what_the_worker_said_is_marked(
    build_site: BuildSite, builder: User, kind: str, remedy: str
) -> None:
    build = failed_in(build_site, builder, kind)
    assert build.state == "failed"
    assert left_in_english(build.error) == ["cannot be done"]
    page = german_page(client_of(builder), build)
    assert remedy in words(page)
    assert 'plan: <span lang="en">cannot be done</span>' in page


def test_an_error_of_the_data_is_marked_as_english_in_full(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    build_fail(build, "study.toml: dataset.images: no such folder: name the folder")
    page = german_page(client_of(builder), build)
    assert '<span lang="en">study.toml: dataset.images: no such folder: name the folder</span>' in page
    assert "Der Build ist fehlgeschlagen" in words(page)


def test_a_step_that_kills_its_workers_is_told_in_german_alone(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    build_site.storage.write("faults.json", b'{"%s": ["gone", "gone", "gone", "gone"]}' % CHUNK.encode())
    for _ in range(4):
        build_site.work()
        build_site.pass_time(build, 61)
        ticking.builds_tick()
    error = fresh(build).error
    assert "gone 4 times" in error
    assert left_in_english(error) == []
    assert "(Bilder 5 bis 6 von RMA x GradCAM): wer daran war, verschwand 4-mal:" in in_german(error)
    assert in_german(error).count("seit 60 s kein Lebenszeichen") == 4


@pytest.mark.parametrize(
    "worker", ["local/gpu-box:4711", "gpu@lab-0/lab:7", "the worker with process 7", "nobody known"]
)
def test_workers_are_known_by_any_name_that_they_have(worker: str) -> None:
    assert left_in_english(f"{worker}: the process was ended by signal 11") == []
    assert left_in_english(f"This is a fault of the program (seen 2 times, last by {worker}).") == []


def test_the_end_of_a_child_is_told_in_german_and_its_last_words_are_marked(settings: Settings) -> None:
    settings.BUILD_CHILD = ["sh", "-c", "echo Segmentation fault >&2; exit 3"]
    child = Child()
    with pytest.raises(ChildGoneError) as raised:
        child.next(30)
    shown = in_german(f"plan: {raised.value}; done again")
    assert shown.startswith("plan: der Prozess endete mit Status 3; seine letzten Worte:\n")
    assert MARKED.findall(shown) == ["Segmentation fault"]
    assert shown.endswith("; wird noch einmal gemacht")


@pytest.mark.parametrize(
    ("text", "said", "english"),
    [
        ("It was ended in: RMA x LRP on TinyNet", "Er endete bei: ", "RMA x LRP on TinyNet"),
        ("plan: its process was ended before, in: LRP", "plan: sein Prozess endete schon einmal, bei: ", "LRP"),
        (
            "plan: its process was ended each time that it was tried (exited), the last time in: LRP",
            "plan: sein Prozess endete bei jedem Versuch ",
            "(exited), the last time in: LRP",
        ),
    ],
)
def test_what_ended_a_process_is_marked_as_english(text: str, said: str, english: str) -> None:
    assert in_german(text) == f'{said}<span lang="en">{english}</span>'


def test_a_fault_of_the_process_of_a_build_is_explained_in_german(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    with pytest.raises(KeyError), local.Recorded(build):
        raise KeyError("run")
    assert left_in_english(fresh(build).error) == ["KeyError: &#x27;run&#x27;"]
    assert left_in_english(local.ENDED) == []


@pytest.mark.parametrize(
    "text",
    [
        "x" * (LONGEST_CONFIG + 1),
        f"name = {'[' * 9000}{']' * 9000}",
        build_configs.config(pairs="100000"),
    ],
    ids=["too long", "too deep", "too many pairs"],
)
def test_a_config_that_the_site_refuses_itself_is_refused_in_german(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        checked_config(text, "study.toml")
    assert left_in_english(str(raised.value)) == []
    assert in_german(str(raised.value)).startswith("study.toml: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "study.toml: name: fehlt: Fügen Sie es hinzu"),
        (build_configs.CONFIG + "\nnmae = 1", "unbekannter Schlüssel: Meinten Sie"),
        (
            "nothing_like_it = 1\n" + build_configs.CONFIG,
            "nothing_like_it: unbekannter Schlüssel (bekannt: att",
        ),
        (build_configs.config(pairs="0"), "pairs: Der Wert muss mindestens 1 sein (hier: 0)"),
        (build_configs.config(pairs='"six"'), "pairs: Der Wert muss eine ganze Zahl sein (hier: &#x27;six&#x27;)"),
        (build_configs.config(title="1"), "title: Der Wert muss ein Text in Anführungszeichen sein (hier: 1)"),
        (build_configs.config(name='"My Study"'), "name: Verwenden Sie Kleinbuchstaben"),
        (build_configs.config(title='"RMA tested"'), "title: Teilnehmende lesen es, und darin steht &#x27;RMA&#x27;"),
        (
            build_configs.config(attributors='["GradCAM", "GradCAM"]').split("training_for")[0],
            "attributors: GradCAM steht zweimal da",
        ),
        (build_configs.CONFIG + "\n[[networks]]\nname = 'x'\n", "network: steht neben networks"),
    ],
    ids=["missing", "alike", "unknown", "least", "integer", "text", "name", "word", "twice", "beside"],
)
def test_what_the_check_of_configs_says_most_often_is_said_in_german(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        checked_config(text, "study.toml")
    assert left_in_english(str(raised.value)) == []
    assert said in in_german(str(raised.value))


def test_of_what_is_no_toml_only_the_reason_stays_english() -> None:
    with pytest.raises(ConfigError) as raised:
        checked_config("name = \n", "study.toml")
    shown = in_german(str(raised.value))
    assert shown == 'study.toml: kein gültiges TOML: <span lang="en">Invalid value</span> (Zeile 1, Spalte 8)'


def test_amounts_in_errors_are_written_as_the_language_does() -> None:
    with pytest.raises(ConfigError) as raised:
        checked_config(build_configs.config(pairs="100000"), "study.toml")
    assert "100,000 in 4 conditions make up to 700,002" in str(raised.value)
    assert "100.000 in 4 Bedingungen ergeben bis zu 700.002" in in_german(str(raised.value))


def test_faults_of_a_config_are_marked_as_english_on_a_german_page(build_site: BuildSite, builder: User) -> None:
    typed = build_configs.config(seed="7\nlayuot = 3").replace('layout = "folder"', 'layout = "files"')
    reply = client_of(builder).post(reverse("build_new"), {"text": typed, "do": "check"}, headers=GERMAN)
    page = reply.content.decode()
    assert "study.toml: layuot: unbekannter Schlüssel" in words(page)
    assert '<span lang="en">study.toml: dataset.layout: Input should be &#x27;folder&#x27;' in page


def test_the_list_shortens_an_error_without_losing_its_mark(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    build_fail(build, f"study.toml: <b>{'x' * 500}")
    page = client_of(builder).get(reverse("builds"), headers=GERMAN).content.decode()
    found = re.search(r'<p class="build-error"><span lang="en">(.*?)</span></p>', page)
    assert found is not None
    assert found[1].startswith("study.toml: &lt;b&gt;xxx")
    assert len(found[1]) < 200


# The log, and what is being done


def test_every_line_that_the_site_writes_into_the_log_is_german(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    order_faults(build_site.storage, merge=["gone", "passing"], plan=["lied"])
    build_site.work()
    build_site.pass_time(build, 61)
    ticking.builds_tick()
    build_site.work()
    build_cancel(build=build, actor=builder)
    build_retry(build=build, actor=None)
    ticking.builds_tick()
    build_site.work(is_heard=False)
    for _ in range(5):
        build_site.pass_time(fresh(build), 61)
        ticking.builds_tick()
        build_site.work()
    assert fresh(build).state == "done"
    lines = list(BuildLine.objects.filter(worker="").values_list("text", flat=True))
    kinds = ("queued", "cancelled by", "tried again by", "fine-tuned already", "were there already", "is loaded")
    more = ("nothing was heard", "; done again", "; tried again in 5 s", "is not in the storage")
    assert [kind for kind in (*kinds, *more) if not any(kind in line for line in lines)] == []
    assert {text for line in lines for text in left_in_english(line)} == {"cannot be done"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cancelled by the command line", "abgebrochen von der Kommandozeile"),
        ("tried again by somebody erased (attempt 3)", "noch einmal versucht von jemand Gelöschtem (Versuch 3)"),
        ("cancelled by ada", "abgebrochen von ada"),
    ],
)
def test_who_asked_for_something_is_told_in_german(text: str, said: str) -> None:
    assert in_german(text) == said


def test_lines_of_workers_are_marked_as_english(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    build_site.work(1)
    page = german_page(client_of(builder), build)
    assert "eingereiht" in words(page)
    assert 'plan: <span lang="en">done</span>' in page


def test_what_a_worker_is_at_is_german(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    BuildStep.objects.filter(build=build).update(
        state="running", worker="w", what="RMA x GradCAM: fine-tuning", total=9
    )
    page = german_page(client_of(builder), build)
    assert 'aria-label="RMA x GradCAM: Nachtraining"' in page
    assert "w RMA x GradCAM: Nachtraining 0 von 9" in words(page)


@pytest.mark.parametrize("phrases", [WORK, LEFT_OUT], ids=["work", "left out"])
def test_the_words_of_workers_are_those_that_they_say(phrases: Phrases) -> None:
    root = Path(__file__).resolve().parents[2]
    files = [*(root / "attribution").glob("*.py"), *(root / "attribution").glob("*/*.py")]
    files.append(root / "studies" / "builds" / "importing.py")
    said = "\n".join(file.read_text() for file in files)
    with translation.override("en"):
        parts = [part for text in phrases.texts for part in re.split(r"\{\w+\}", str(text)) if part]
    assert [part for part in parts if f'{part}"' not in said and f"{part}{{" not in said] == []


def test_splits_have_words() -> None:
    with translation.override("de"):
        assert [told_shortly(name, SPLITS) for name in ("train", "validation", "export", "other")] == [
            "Training",
            "Validierung",
            "Export",
            "other",
        ]


# What may come from anybody


def test_english_pages_show_errors_as_they_are() -> None:
    text = "plan: <b>cannot</b> be done; done again\nqueued"
    assert told(text) == "plan: &lt;b&gt;cannot&lt;/b&gt; be done; done again\nqueued"


def test_markup_in_errors_is_text() -> None:
    shown = in_german("plan: <script>alert(1)</script>\ncancelled by <b>\n<i>")
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown


def test_errors_within_errors_end_somewhere() -> None:
    shown = in_german("plan: " * 600 + "x")
    assert shown.count("plan: ") == 600
    assert shown.startswith("plan: " * DEEPEST + '<span lang="en">')


@pytest.mark.parametrize(
    "text",
    ["", "\n", "a\n\nb", "queued\n", f"tried again by x (attempt {'9' * 5000})", "{0}", "%s"],
    ids=[
        "nothing",
        "a line end",
        "an empty line",
        "a line end at the end",
        "a long number",
        "a place",
        "a percent sign",
    ],
)
def test_any_text_can_be_told(text: str) -> None:
    shown = in_german(text)
    assert re.sub("<[^>]*>", "", shown).count("\n") == text.count("\n")
