"""Markdown in protocols."""

import pytest

from studies.protocol.markdown import render_markdown, text_digest


def test_markdown_becomes_html_with_headings_below_the_pages_title() -> None:
    html = render_markdown("# Taking part\n\nYou **can** stop.\n\n### Data\n\n- a\n- b\n")
    assert html.splitlines() == [
        "<h2>Taking part</h2>",
        "<p>You <strong>can</strong> stop.</p>",
        "<h3>Data</h3>",
        "<ul>",
        "<li>a</li>",
        "<li>b</li>",
        "</ul>",
    ]


def test_tables_are_rendered() -> None:
    assert "<td>1</td>" in render_markdown("| a |\n|---|\n| 1 |\n")


def test_links_open_apart_and_tell_the_other_site_nothing() -> None:
    html = render_markdown("[Contact](https://example.org/ethics)")
    assert 'href="https://example.org/ethics"' in html
    assert 'rel="noopener noreferrer"' in html
    assert 'target="_blank"' in html


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.org/count.png)",
        "<svg/onload=alert(1)>",
        "<form action=https://example.org><input name=a></form>",
        "<style>body{display:none}</style>",
        "<iframe src=https://example.org></iframe>",
        '[a](https://example.org "onmouseover=alert(1) x")',
        '<a href="https://example.org" onclick="alert(1)">a</a>',
    ],
)
def test_no_markdown_brings_scripts_forms_styles_or_foreign_pictures(attack: str) -> None:
    html = render_markdown(attack).lower()
    for tag in ("<script", "<img", "<svg", "<form", "<input", "<style", "<iframe"):
        assert tag not in html
    for start in ('href="javascript', 'href="data', 'href="&#'):
        assert start not in html
    assert " onclick=" not in html.split("&lt;")[0]


def test_the_digest_tells_one_wording_from_another() -> None:
    assert len(text_digest("a")) == 64
    assert text_digest("You may stop.") != text_digest("You may stop")
