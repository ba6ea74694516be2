from pathlib import Path

import pytest

from attribution.attributors import ATTRIBUTORS
from attribution.methods_page import methods_page
from attribution.metrics import METRICS
from attribution.trainers import TRAINERS

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"


def test_the_committed_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == methods_page(), "run: python -m attribution methods > docs/methods.md"


@pytest.mark.parametrize("name", [*ATTRIBUTORS, *METRICS, *TRAINERS])
def test_every_method_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    entry = methods_page().split(f"### **{name}**\n\n")[1].split("\n### ")[0]
    source, what = entry.split("\n\n")[:2]
    assert len(source) > 20
    assert len(what) > 20
    assert not source.startswith("#")


@pytest.mark.parametrize("registry", [ATTRIBUTORS, METRICS, TRAINERS], ids=["attributors", "metrics", "trainers"])
def test_a_method_is_registered_under_its_own_name(registry: dict[str, type]) -> None:
    assert {name: kind.name for name, kind in registry.items()} == {name: name for name in registry}  # type: ignore[attr-defined]


def test_published_settings_are_shown_with_the_variant_that_has_them() -> None:
    page = methods_page()
    assert 'published weight 0.01, learning rate 3e-05 (variant = "published")*' in page
    assert 'published weight 5e-06, learning rate 3e-05 (variant = "published")*' in page
    assert "published weight 0.05, learning rate 3e-06*" in page
    assert page.count("published weight") == 5
