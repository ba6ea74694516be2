"""Stock jsPsych plugins that pages can name."""

from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import override_settings
from pytest_django import Settings

from studies.protocol.plugin_files import PluginFinder
from studies.protocol.plugins import clean_parameters, known_plugins, plugin_find


def test_an_installed_plugin_is_found_with_its_script_and_global_name() -> None:
    plugin = plugin_find("survey-likert")
    assert plugin is not None
    assert (plugin.script, plugin.global_name) == ("vendor/jspsych-plugins/survey-likert.js", "jsPsychSurveyLikert")
    assert plugin_find("survey-likret") is None


def test_every_plugin_is_among_the_static_files_as_the_one_script_it_needs() -> None:
    for plugin in known_plugins().values():
        found = finders.find(plugin.script)
        assert found == str(plugin.path)
        assert f"var {plugin.global_name}=" in plugin.path.read_text()[:200]
    assert finders.find("vendor/jspsych-plugins/survey-likert.js", find_all=True) == [
        str(known_plugins()["survey-likert"].path)
    ]


@pytest.mark.parametrize(
    "name",
    ["nope.js", "../jspsych/index.js", "survey-likert", "survey-likert/dist/index.js", "", "../../../package.json"],
)
def test_nothing_else_in_the_packages_can_be_reached(name: str) -> None:
    assert not PluginFinder().find(f"vendor/jspsych-plugins/{name}")


def test_a_plugin_that_is_not_there_is_not_found() -> None:
    assert finders.find("vendor/jspsych-plugins/nope.js") is None


def test_collectstatic_collects_the_scripts_with_hashed_names(tmp_path: Path, settings: Settings) -> None:
    storages = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    with override_settings(
        STATIC_ROOT=tmp_path, STORAGES=storages, STATICFILES_FINDERS=settings.STATICFILES_FINDERS[-1:]
    ):
        call_command("collectstatic", interactive=False, verbosity=0)
    names = {path.name for path in (tmp_path / "vendor/jspsych-plugins").iterdir()}
    assert "survey-text.js" in names
    assert any(name.startswith("survey-text.") and name.count(".") == 2 for name in names)


def test_packages_without_a_browser_build_are_no_plugins(tmp_path: Path, settings: Settings) -> None:
    for name, content in (("good", "var jsPsychGood=function(){}"), ("other", "window.x=1"), ("none", None)):
        folder = tmp_path / f"plugin-{name}" / "dist"
        folder.mkdir(parents=True)
        if content is not None:
            (folder / "index.browser.min.js").write_text(content)
    settings.JSPSYCH_PLUGINS_DIR = tmp_path
    assert list(known_plugins()) == ["good"]


def test_parameters_keep_form_fields_and_lose_scripts() -> None:
    cleaned = clean_parameters(
        {
            "html": '<label>Age <input name="age" type="number" min="1" required onfocus="alert(1)"></label>',
            "questions": [{"prompt": "<script>alert(1)</script>How <b>sure</b>?", "labels": ["a < b", 3, True]}],
        }
    )
    assert cleaned["questions"] == [{"prompt": "How <b>sure</b>?", "labels": ["a &lt; b", 3, True]}]
    assert 'name="age"' in cleaned["html"]
    assert "required" in cleaned["html"]
    assert "onfocus" not in cleaned["html"]
