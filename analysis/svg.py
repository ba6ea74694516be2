"""SVG that can stand in a page beside other SVG: ids of its own, a size of its own, a name for screen readers."""

import re
from html import escape

_ID = re.compile(r'\bid="([^"]+)"')
_OPENING = re.compile(r"<svg\b[^>]*>")
_SIZE = re.compile(r'\bviewBox="0 0 ([0-9.]+) ([0-9.]+)"')
_LABELS = re.compile(r'\s(?:aria-[a-z]+|role)="[^"]*"')


def self_contained_svg(svg: str, *, name: str, description: str) -> str:
    """The same drawing with ids `name`-1, `name`-2, ..., so that the text depends on nothing but the drawing.

    Renderers number clip paths through a whole process, so the ids differ from call to call and clash between the
    drawings of one page. Raises ValueError for text that is not an SVG with a view box, or that has a reference to
    something outside of itself.
    """
    opening = _OPENING.search(svg)
    size = _SIZE.search(opening.group(0)) if opening else None
    if opening is None or size is None:
        raise ValueError(f"figure {name}: not an SVG with a viewBox")
    body = svg[opening.end() :]
    if re.search(r'(?:href|src)="(?!#)', body) or re.search(r"url\((?!['\"]?#)", body):
        raise ValueError(f"figure {name}: refers to something outside of the file")
    for number, old in enumerate(dict.fromkeys(_ID.findall(body)), start=1):
        body = re.sub(rf'(\bid="|href="#|url\(#){re.escape(old)}(?=["\)])', rf"\g<1>{name}-{number}", body)
    body = _LABELS.sub("", body)
    width, height = (float(number) for number in size.groups())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-labelledby="{name}-title">'
        f'<title id="{name}-title">{escape(description)}</title>{body}'
    )
