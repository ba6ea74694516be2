from pathlib import Path

import pytest

from attribution.cli import main


def test_build_prints_table_and_bundle(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(small_run), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    printed = capsys.readouterr()
    assert "RMA x GradCAM" in printed.out
    assert "4 of 4 images exported" in printed.out
    assert f"manage.py load_study {tmp_path / 'out' / 'bundle'}" in printed.out
    assert "RMA x GradCAM: fine-tuning" in printed.err


def test_wrong_input_ends_with_2_and_one_clear_line(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_run.write_text(small_run.read_text().replace("seed = 5", "sed = 5\nseed = 5"))
    assert main(["build", str(small_run)]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"error: {small_run}: sed: unknown key")
    assert "Traceback" not in printed


def test_ctrl_c_says_how_to_go_on(
    small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("attribution.pipeline.prepare", interrupted)
    assert main(["finetune", str(small_run), "--out", str(tmp_path / "out")]) == 130
    assert "--resume goes on" in capsys.readouterr().err


def test_the_steps_are_commands_too(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rest = [str(small_run), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main(["finetune", *rest]) == 0
    assert main(["score", *rest]) == 0
    assert "Focus x GuidedBackprop" in capsys.readouterr().out
    assert main(["export", *rest]) == 0
    assert (tmp_path / "out" / "bundle" / "study.json").is_file()


@pytest.mark.parametrize("command", ["score", "export"])
def test_ctrl_c_in_a_later_step_names_no_option_that_it_does_not_have(
    small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("attribution.pipeline.prepare", interrupted)
    assert main([command, str(small_run), "--out", str(tmp_path / "out")]) == 130
    assert "What is finished is kept: the same command goes on." in capsys.readouterr().err
