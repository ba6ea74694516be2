"""Making drawings independent of each other."""

import pytest

from analysis.svg import self_contained_svg

DRAWING = (
    '<svg class="marks" viewBox="0 0 20 10"><defs><clipPath id="clip7"><path/></clipPath></defs>'
    '<g clip-path="url(#clip7)" aria-label="x" role="graphics-symbol"/></svg>'
)


def test_ids_are_numbered_within_the_drawing() -> None:
    svg = self_contained_svg(DRAWING, name="forest", description="A & B")
    assert 'id="forest-1"' in svg
    assert "url(#forest-1)" in svg
    assert "clip7" not in svg
    assert '<title id="forest-title">A &amp; B</title>' in svg


def test_the_drawing_is_one_thing_to_a_screen_reader() -> None:
    svg = self_contained_svg(DRAWING, name="forest", description="x")
    assert svg.count("role=") == 1
    assert "graphics-symbol" not in svg


@pytest.mark.parametrize(
    "drawing",
    [
        "<p>no drawing</p>",
        '<svg viewBox="0 0 1 1"><image href="https://example.org/x.png"/></svg>',
        '<svg viewBox="0 0 1 1"><rect fill="url(https://example.org/#a)"/></svg>',
    ],
)
def test_what_is_no_drawing_or_asks_for_something_is_refused(drawing: str) -> None:
    with pytest.raises(ValueError, match="figure x"):
        self_contained_svg(drawing, name="x", description="x")
