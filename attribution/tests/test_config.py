from pathlib import Path

import pytest

from attribution.conditions import conditions
from attribution.config import read_config, training_for
from attribution.errors import InputError
from attribution.metrics.road import ROAD


def change(config: Path, old: str, new: str) -> Path:
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    return config


def test_paths_are_relative_to_the_config(small_run: Path) -> None:
    config = read_config(small_run)
    assert config.dataset.images == small_run.parent / "images"
    assert config.networks[0].spec == f"file:{small_run.parent / 'network.pt'}"


def test_a_bundles_copy_of_the_config_names_no_machine(small_run: Path) -> None:
    assert str(small_run.parent.parent) not in str(read_config(small_run).as_json())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("seed = 5", "sed = 5", r"study\.toml: sed: unknown key: did you mean 'seed'\?"),
        ("seed = 5", "", r"study\.toml: seed: missing: add it"),
        ("seed = 5", 'seed = "5"', r"study\.toml: seed: .*integer.*\(here: '5'\)"),
        ("pairs = 4", "pairs = 0", r"study\.toml: pairs: .*greater than or equal to 1"),
        ('name = "small"', 'name = "Small Study"', r"study\.toml: name: use lower-case letters"),
        ('layout = "folder"', 'layout = "zip"', r"study\.toml: dataset\.layout: .*'folder', 'csv', .* 'oxford_pets'"),
        ('masks = "masks"', 'mask = "masks"', r"dataset\.mask: unknown key: did you mean 'masks'\?"),
        ("steps = 6", "stepz = 6", r"metrics\[0\]\.training\.stepz: unknown key: did you mean 'steps'\?"),
        ("weight = 0.5", "weight = inf", r"metrics\[0\]\.training\.weight: .*finite number"),
        ("learning_rate = 1e-3", "learning_rate = inf", r"metrics\[0\]\.training\.learning_rate: .*finite number"),
        ("steps = 6", "gradient_clip = inf", r"metrics\[0\]\.training\.gradient_clip: .*finite number"),
        ("steps = 6", "steps = -1", r"metrics\[0\]\.training\.steps: "),
        ('name = "Focus"', 'name = "RMA"', r"metrics: RMA stands twice: give each its own `label`"),
        ('"GradCAM", "GuidedBackprop"', '"GradCAM", "GradCAM"', r"attributors: GradCAM stands twice"),
        ("seed = 5", "seed = ", r"study\.toml: not valid TOML"),
        ('title = "A small study"', 'title = "RMA, small"', r"title: annotators read it, and it says 'RMA'"),
        ('title = "A small study"', 'title = "My gradcam maps"', r"title: annotators read it, and it says 'GradCAM'"),
        (
            "batch = 8\n",
            'batch = 8\nprotocol = { question = "Is the original better?" }\n',
            r"protocol\.question: .*'original'",
        ),
        ("export_unimproved = true", "training = 3", r"training: unknown key"),
    ],
)
def test_a_wrong_config_names_file_key_and_remedy(small_run: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        read_config(change(small_run, old, new))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"GradCAM"', '{ name = "GradCAM", label = "Grad\\u0000CAM" }', r"attributors\[0\]\.label"),
        ('"GradCAM"', '{ name = "GradCAM", label = "Grad\\nCRITICAL" }', r"attributors\[0\]\.label"),
        ("seed = 5", 'seed = 5\n"se\\u001bed" = 5', r"se\\x1bed"),
        ("seed = 5", 'seed = 5\nprotocol.question = "Which?\\u0007"', r"protocol\.question"),
    ],
)
def test_control_characters_that_would_forge_logs_or_fail_in_databases_are_refused(
    small_run: Path, old: str, new: str, key: str
) -> None:
    text = small_run.read_text()
    assert old in text
    small_run.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"study\.toml: {key}: '.*' has control characters in it: leave them out"):
        read_config(small_run)


def test_a_question_may_have_several_lines(small_run: Path) -> None:
    small_run.write_text(small_run.read_text().replace("seed = 5", 'seed = 5\nprotocol.question = "Which?\\nOr none?"'))
    assert read_config(small_run).protocol.question == "Which?\nOr none?"


def test_every_mistake_is_named_at_once(small_run: Path) -> None:
    change(small_run, "seed = 5", "sed = 5")
    with pytest.raises(InputError) as caught:
        read_config(change(small_run, "pairs = 4", "pairs = 0"))
    assert all(key in str(caught.value) for key in ("sed:", "seed:", "pairs:"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: no such file"):
        read_config(tmp_path / "none.toml")


def test_variables_stand_for_folders_and_unset_ones_are_named(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(small_run, 'images = "images"', 'images = "$PICTURES/images"')
    monkeypatch.setenv("PICTURES", "/somewhere")
    assert read_config(small_run).dataset.images == Path("/somewhere/images")
    monkeypatch.delenv("PICTURES")
    with pytest.raises(InputError, match=r"dataset\.images: the environment variable PICTURES is not set"):
        read_config(small_run)


def test_training_settings_can_differ_by_attributor(small_run: Path) -> None:
    text = small_run.read_text().replace(
        '[[metrics]]\nname = "Focus"',
        'training_for = { GuidedBackprop = { steps = 3 } }\n\n[[metrics]]\nname = "Focus"',
    )
    small_run.write_text(text)
    metric = read_config(small_run).metrics[0]
    guided, plain = (training_for(metric, name, "study.toml") for name in ("GuidedBackprop", "GradCAM"))
    assert (guided.steps, plain.steps) == (3, 6)
    assert guided.weight == plain.weight == 0.5


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("{ Saliency = { steps = 3 } }", r"training_for\.Saliency: no such attributor in this run"),
        ("{ GradCAM = { stepz = 3 } }", r"training_for\.GradCAM\.stepz: unknown key: did you mean 'steps'\?"),
        ("{ GradCAM = { steps = 0 } }", r"training_for\.GradCAM\.steps: "),
    ],
)
def test_wrong_settings_for_an_attributor_are_named(small_run: Path, override: str, expected: str) -> None:
    text = small_run.read_text().replace(
        '[[metrics]]\nname = "Focus"', f'training_for = {override}\n\n[[metrics]]\nname = "Focus"'
    )
    small_run.write_text(text)
    with pytest.raises(InputError, match=expected):
        read_config(small_run)


def test_every_example_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEARCH_DATA", "/data")
    monkeypatch.setenv("IMAGENET_S", "/data")
    examples = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))
    assert len(examples) >= 5
    for example in examples:
        assert list(conditions(read_config(example), str(example), example.parent))


def test_an_option_may_be_a_list(small_run: Path) -> None:
    small_run.write_text(
        small_run.read_text() + '\n[[metrics]]\nname = "ROAD"\noptions = { percentages = [20, 50.5] }\n'
        "training = { weight = 1.0, learning_rate = 0.001 }\n"
    )
    config = read_config(small_run)
    assert config.metrics[-1].options == {"percentages": (20, 50.5)}
    assert config.as_json()["metrics"][-1]["options"] == {"percentages": [20, 50.5]}
    assert [found.metric for found in conditions(config, str(small_run), small_run.parent)][-1] == ROAD(
        percentages=(20, 50.5)
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("inf", r"options\.k: use a finite number \(here: inf\)"),
        ("[1, nan]", r"options\.k: use a finite number"),
        ("{ a = 1 }", r"options\.k: use a number, a text, true or false, or a list of these"),
        ("[[1]]", r"options\.k: use a number, a text, true or false, or a list of these"),
    ],
)
def test_an_option_of_another_kind_is_named_in_one_line(small_run: Path, value: str, expected: str) -> None:
    small_run.write_text(small_run.read_text() + f'\n[[metrics]]\nname = "TopK"\noptions = {{ k = {value} }}\n')
    with pytest.raises(InputError, match=expected) as caught:
        read_config(small_run)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("value", ["inf", "nan"])
@pytest.mark.parametrize("key", ["weight", "learning_rate"])
def test_training_settings_are_finite(small_run: Path, key: str, value: str) -> None:
    text = small_run.read_text().replace(
        '[[metrics]]\nname = "Focus"',
        f'training_for = {{ GradCAM = {{ {key} = {value} }} }}\n\n[[metrics]]\nname = "Focus"',
    )
    small_run.write_text(text)
    with pytest.raises(InputError, match=rf"training_for\.GradCAM\.{key}: "):
        read_config(small_run)


def test_a_trainers_options_can_differ_by_attributor(small_run: Path) -> None:
    text = small_run.read_text().replace(
        '[[metrics]]\nname = "Focus"',
        'training_for = { GuidedBackprop = { trainer = "rpl", options = { q = 0.5 } } }\n\n[[metrics]]\nname = "Focus"',
    )
    small_run.write_text(text)
    metric = read_config(small_run).metrics[0]
    guided, plain = (training_for(metric, name, "study.toml") for name in ("GuidedBackprop", "GradCAM"))
    assert (guided.trainer, guided.options) == ("rpl", {"q": 0.5})
    assert (plain.trainer, plain.options) == ("fidelity", {})


def test_a_list_with_one_wrong_entry_is_not_called_too_short(small_run: Path) -> None:
    head, _, _ = small_run.read_text().partition("[[metrics]]")
    small_run.write_text(head + '[[metrics]]\nname = "RMA"\noptionz = {}\n')
    with pytest.raises(InputError) as caught:
        read_config(small_run)
    assert str(caught.value).count("\n") == 0
    assert "metrics[0].optionz: unknown key: did you mean 'options'?" in str(caught.value)
    small_run.write_text("metrics = []\n" + head)
    with pytest.raises(InputError, match=r"metrics: .*at least 1 item"):
        read_config(small_run)
