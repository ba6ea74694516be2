"""The catalogues: what is collected, what is kept, and what the check finds in a broken one."""

import re
import shutil
from pathlib import Path

import polib
import pytest

from harmony_app.translations import ROOT, check, collect, languages, main, source_files

TEMPLATE = """{% load i18n %}
    <h1>{% translate "Log in" %}</h1>
{% blocktranslate trimmed count number=rows|length %}
  {{ number }} trial is left.
{% plural %}
  {{ number }} trials are left.
{% endblocktranslate %}
<p title="{% translate "on" context "answer keys" %}">{{ word|default:_("none") }} it's</p>
"""
SCRIPT = """import { _, ngettext } from "./text.js";
class Runner { #private = 1; }
const kept = (n) => `${_("Kept here.")} ${ngettext("%(count)s answer", "%(count)s answers", n)}`;
"""
PYTHON = """from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy, pgettext

GREETING = _("Log in")
LONG = _(
    "This sentence goes on "
    "in a second line."
)
COUNTED = ngettext_lazy("%(number)d study", "%(number)d studies", "number")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with one text of every kind, fully translated."""
    files = {"templates/page.html": TEMPLATE, "static/page.js": SCRIPT, "studies/forms.py": PYTHON}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "locale" / "xx" / "LC_MESSAGES").mkdir(parents=True)
    main([], root=tmp_path)
    for domain in ("django", "djangojs"):
        catalogue = read(tmp_path, domain)
        for entry in catalogue:
            if entry.msgid_plural:
                entry.msgstr_plural = {0: _shouted(entry.msgid), 1: _shouted(entry.msgid_plural)}
            else:
                entry.msgstr = _shouted(entry.msgid)
        catalogue.save()
    assert main([], root=tmp_path) == 0
    return tmp_path


def _shouted(text: str) -> str:
    """Return the text in capitals, all but its placeholders."""
    return re.sub(r"%\(\w+\)[SD]", lambda found: found[0].lower(), text.upper())


def read(root: Path, domain: str) -> polib.POFile:
    return polib.pofile(str(root / "locale" / "xx" / "LC_MESSAGES" / f"{domain}.po"))


def change(root: Path, domain: str, text: str, **values: object) -> None:
    """Change the entry of a text, and compile, so that nothing but the change is wrong."""
    catalogue = read(root, domain)
    [entry] = [entry for entry in catalogue if entry.msgid == text]
    for name, value in values.items():
        setattr(entry, name, value)
    path = root / "locale" / "xx" / "LC_MESSAGES" / f"{domain}.po"
    catalogue.save(str(path))
    polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))


def test_texts_of_templates_and_python_are_collected_with_contexts_and_plurals(project: Path) -> None:
    texts = collect(project, "django")
    assert {(key.context, key.text, text.plural) for key, text in texts.items()} == {
        (None, "Log in", ""),
        (None, "%(number)s trial is left.", "%(number)s trials are left."),
        ("answer keys", "on", ""),
        (None, "none", ""),
        (None, "This sentence goes on in a second line.", ""),
        (None, "%(number)d study", "%(number)d studies"),
    }


def test_texts_of_scripts_are_collected_also_within_template_strings(project: Path) -> None:
    assert {(key.text, text.plural) for key, text in collect(project, "djangojs").items()} == {
        ("Kept here.", ""),
        ("%(count)s answer", "%(count)s answers"),
    }


def test_a_text_in_several_files_is_one_entry_that_names_them(project: Path) -> None:
    texts = {key.text: text for key, text in collect(project, "django").items()}
    assert texts["Log in"].files == ["studies/forms.py", "templates/page.html"]


def test_a_translated_project_has_no_faults(project: Path) -> None:
    assert check(project) == []


def test_updating_twice_changes_nothing(project: Path) -> None:
    files = list(project.glob("locale/xx/LC_MESSAGES/*"))
    before = {file: file.read_bytes() for file in files}
    main([], root=project)
    assert {file: file.read_bytes() for file in files} == before
    assert len(files) == 4


def test_checking_writes_nothing(project: Path) -> None:
    (project / "templates" / "new.html").write_text('{% load i18n %}{% translate "New" %}')
    before = (project / "locale/xx/LC_MESSAGES/django.po").read_bytes()
    assert main(["--check"], root=project) == 1
    assert (project / "locale/xx/LC_MESSAGES/django.po").read_bytes() == before


def test_a_missing_text_is_named_with_its_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "templates" / "new.html").write_text('{% load i18n %}{% translate "New" %}')
    assert main(["--check"], root=project) == 1
    assert "django.po: 'New' of templates/new.html is missing; run bin/translations" in capsys.readouterr().err


def test_an_untranslated_text_is_found(project: Path) -> None:
    change(project, "djangojs", "Kept here.", msgstr="")
    assert check(project) == ["locale/xx/LC_MESSAGES/djangojs.po: 'Kept here.': not translated"]


def test_a_missing_plural_form_is_found(project: Path) -> None:
    change(project, "djangojs", "%(count)s answer", msgstr_plural={0: "%(count)s ANSWER", 1: ""})
    assert check(project) == ["locale/xx/LC_MESSAGES/djangojs.po: '%(count)s answer': not translated"]


def test_a_fuzzy_translation_is_found(project: Path) -> None:
    change(project, "django", "Log in", flags=["fuzzy"])
    [fault] = check(project)
    assert "'Log in': fuzzy" in fault


@pytest.mark.parametrize("wrong", ["%(cuont)s ANSWERS", "ANSWERS", "%s ANSWERS", "%(count)s %(count)s ANSWERS"])
def test_other_placeholders_than_in_english_are_found(project: Path, wrong: str) -> None:
    change(project, "djangojs", "%(count)s answer", msgstr_plural={0: "%(count)s ANSWER", 1: wrong})
    [fault] = check(project)
    assert f"in {wrong!r}, but ['%(count)s'] in the English text" in fault


def test_a_compiled_file_that_is_out_of_date_is_found(project: Path) -> None:
    catalogue = read(project, "django")
    catalogue.find("Log in").msgstr = "another"
    catalogue.save()
    assert check(project) == ["locale/xx/LC_MESSAGES/django.mo: not made from django.po as it is; run bin/translations"]


def test_a_compiled_file_that_is_gone_is_found(project: Path) -> None:
    (project / "locale/xx/LC_MESSAGES/djangojs.mo").unlink()
    assert len(check(project)) == 1


def test_a_text_that_became_countable_is_found_and_then_asked_for_anew(project: Path) -> None:
    page = project / "studies" / "forms.py"
    page.write_text(PYTHON.replace('_("Log in")', 'ngettext_lazy("Log in", "Log in all", "n")'))
    assert any("'Log in'" in fault and "missing" in fault for fault in check(project))
    main([], root=project)
    assert check(project) == ["locale/xx/LC_MESSAGES/django.po: 'Log in': not translated"]


def test_the_translation_of_a_text_that_goes_comes_back_with_it(project: Path) -> None:
    script = project / "static" / "page.js"
    script.write_text(SCRIPT.replace("Kept here.", "Kept there."))
    main([], root=project)
    script.write_text(SCRIPT)
    main([], root=project)
    assert read(project, "djangojs").find("Kept here.").msgstr == "KEPT HERE."
    assert check(project) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [("static/page.js", "_(`Hello`)"), ("static/page.js", "_(name)"), ("studies/forms.py", '_(f"Hello {name}")')],
)
def test_a_text_that_cannot_be_collected_is_an_error_with_file_and_line(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, line: str
) -> None:
    (project / name).write_text(f"\nx = {line}\n")
    assert main(["--check"], root=project) == 1
    assert f"{name}:2: _() needs the text itself, in quotes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("templates/note.html", '{% load i18n %}\n{# Translators: of a door #}\n{% translate "open" %}'),
        ("static/note.js", '// Translators: of a door\nconst name = _("open");'),
        ("studies/note.py", '# Translators: of a door\nNAME = _("open")'),
    ],
)
def test_notes_to_translators_are_kept(project: Path, name: str, content: str) -> None:
    (project / name).write_text(content)
    main([], root=project)
    domain = "djangojs" if name.endswith(".js") else "django"
    assert read(project, domain).find("open").comment == "Translators: of a door"


def test_german_is_there() -> None:
    assert languages(ROOT) == ["de"]


# Found in another way than the collecting does: every call with a text in quotes.
CALL = re.compile(r"""(?<![\w.])(?:_|n?gettext(?:_lazy)?)\(\s*"((?:[^"\\]|\\.)*)"\s*[,)]""")


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_every_call_with_a_text_is_collected(domain: str) -> None:
    collected = {key.text for key in collect(ROOT, domain)}
    called = {
        text
        for file in source_files(ROOT, domain)
        if file.suffix != ".html"
        for text in CALL.findall(file.read_text(encoding="utf-8"))
    }
    assert len(called) > 5
    assert called <= collected


def test_the_program_knows_its_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shutil.which("translations", path=str(ROOT / "bin")) is not None
    with pytest.raises(SystemExit):
        main(["--help"], root=tmp_path)
    assert "--check" in capsys.readouterr().out
