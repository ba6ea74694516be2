"""Stylesheets and what names them: links lead somewhere, and no rule is left over from markup that is gone."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

ROOT = Path(__file__).resolve().parents[2]
STYLESHEETS = sorted([*ROOT.glob("static/**/*.css"), *ROOT.glob("analysis/static/**/*.css")])
TEMPLATES = sorted(ROOT.glob("templates/**/*.html"))
LINKED = re.compile(r"""{% static ['"]([^'"]+)['"] %}""")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CLASS = re.compile(r"\.([a-z][\w-]*)")
LONGEST = 400
# Swagger UI makes the markup of the API's page, jsPsych that of its own plugins, Django that of a form's errors.
MADE_ELSEWHERE = ("jspsych-", "errorlist", "required")


def static_name(path: Path) -> str:
    """Return the name by which templates know a file: its path below the folder `static`."""
    return path.as_posix().rpartition("/static/")[2]


def markup() -> str:
    """Return all that writes class names: templates, modules of the browser, and Python that makes charts and pages."""
    code = [*ROOT.glob("static/**/*.js"), *ROOT.glob("analysis/static/**/*.js")]
    for package in ("analysis", "studies", "harmony_app"):
        code += [path for path in ROOT.glob(f"{package}/**/*.py") if "tests" not in path.parts]
    return "\n".join(path.read_text() for path in [*TEMPLATES, *code])


def classes(stylesheet: Path) -> set[str]:
    """Return the classes that the selectors of a stylesheet name."""
    selectors = re.findall(r"([^{}]+){", COMMENT.sub("", stylesheet.read_text()))
    return {name for selector in selectors if not selector.strip().startswith("@") for name in CLASS.findall(selector)}


def is_written(name: str, text: str) -> bool:
    """Whether markup has this class, or puts one together of its beginning and a value: `stage-{{ stage.state }}`."""
    if re.search(rf"(?<![\w-]){name}(?![\w-])", text):
        return True
    beginnings = [name[: at.end()] for at in re.finditer("-", name)]
    return any(re.search(rf"(?<![\w-]){start}(?:{{|\${{)", text) for start in beginnings)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_every_static_file_that_a_template_names_is_there(template: Path) -> None:
    names = [name for name in LINKED.findall(template.read_text()) if not name.startswith("vendor/")]
    assert [name for name in names if finders.find(name) is None] == []


def test_every_stylesheet_is_linked_by_a_template() -> None:
    linked = {name for template in TEMPLATES for name in LINKED.findall(template.read_text())}
    assert [name for path in STYLESHEETS if (name := static_name(path)) not in linked] == []


def test_every_class_in_a_stylesheet_is_one_that_markup_has() -> None:
    text = markup()
    unused = {
        static_name(path): sorted(
            name for name in classes(path) if not name.startswith(MADE_ELSEWHERE) and not is_written(name, text)
        )
        for path in STYLESHEETS
        if static_name(path) != "api/docs.css"
    }
    assert {name: found for name, found in unused.items() if found} == {}


def test_no_stylesheet_is_longer_than_a_reader_cares_for() -> None:
    assert [static_name(path) for path in STYLESHEETS if len(path.read_text().splitlines()) > LONGEST] == []
