"""How large chunks are: whole batches within a budget of memory, and a batch at a time on the device."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from attribution.jobs import workshop
from attribution.tests.steps import BUILD, SmallBuild


@pytest.fixture
def build(small_run: Path, tmp_path: Path) -> SmallBuild:
    text = small_run.read_text().replace("batch = 8", "batch = 4").replace("pairs = 4", "pairs = 1")
    small_run.write_text(text.replace('["GradCAM", "GuidedBackprop"]', '["GradCAM"]'))
    return SmallBuild(small_run, tmp_path)


def test_the_device_has_a_batch_at_a_time_however_large_a_chunk_is(
    build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop, "CHUNKS", 1)
    bench = build.bench()
    chunk = next(build.finetuned(bench, build.plan(bench)))["chunks"][0]
    assert chunk["images"] == 12
    seen: list[int] = []
    forward = nn.Conv2d.forward

    def watched(module: Any, images: Any) -> Any:
        seen.append(len(images))
        return forward(module, images)

    monkeypatch.setattr(nn.Conv2d, "forward", watched)
    build.chunk(bench, chunk)
    assert max(seen) == 4


def test_a_chunk_has_whole_batches_within_its_budget_of_memory(
    build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop, "CHUNKS", 1)
    bench = build.bench()
    build.plan(bench)
    made = bench._shop.bench(BUILD, lambda *_: None)
    condition = made.run.conditions[0]
    of_an_image = 4 * (2 * 32 * 32 + 4)
    sizes = []
    for batches in (0.5, 1.9, 2.0):
        monkeypatch.setattr(workshop, "CHUNK_BYTES", int(batches * 4 * of_an_image))
        sizes.append(made.chunk_images(condition))
    assert sizes == [4, 4, 8]
