"""Readers of environment variables."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.core.exceptions import ImproperlyConfigured

from harmony_app.environment import env_bool, env_text, made_once


@pytest.mark.parametrize("value", ["1", "true", "Yes", "ON", " on "])
def test_every_word_for_true_is_true(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FLAG", value)
    assert env_bool("FLAG", False) is True


@pytest.mark.parametrize("value", ["0", "false", "No", "OFF"])
def test_every_word_for_false_is_false(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FLAG", value)
    assert env_bool("FLAG", True) is False


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG", "")
    assert env_bool("FLAG", True) is True
    with pytest.raises(ImproperlyConfigured, match="FLAG is not set; set it in the environment"):
        env_text("FLAG")


def test_processes_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    barrier = Barrier(16)

    def make(number: int) -> str:
        barrier.wait(timeout=30)
        return made_once(tmp_path / "new folder" / "secret", f"secret {number}")

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(make, range(16)))) == 1
    assert len(list((tmp_path / "new folder").iterdir())) == 1
