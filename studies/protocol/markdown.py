"""Markdown of protocols as HTML that cannot bring a script, a form or a style into an annotator's page."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"https", "http", "mailto"}


# The same few texts are asked for with every page that is given out.
@lru_cache(maxsize=256)
def render_markdown(text: str) -> SafeString:
    """Return CommonMark (with tables and strikethrough) as HTML.

    HTML in the text is shown as text. Headings start at h2, as the page's title is its h1. Links open in a new tab,
    where the study stays as it is, and tell the other site nothing. Pictures are left out.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    tokens = parser.parse(text)
    _lower_headings(tokens)
    html = parser.renderer.render(tokens, parser.options, {})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    # nh3 has just made it safe.
    return mark_safe(clean)


def text_digest(markdown: str) -> str:
    """Return the SHA-256 of the Markdown: which wording was shown."""
    return hashlib.sha256(markdown.encode()).hexdigest()


def _lower_headings(tokens: Sequence[Token]) -> None:
    """Move the headings down so that the highest is an h2, in the same order of ranks."""
    levels = sorted({int(token.tag[1:]) for token in tokens if token.type == "heading_open"})
    lowered = {f"h{level}": f"h{min(6, rank)}" for rank, level in enumerate(levels, start=2)}
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = lowered[token.tag]
