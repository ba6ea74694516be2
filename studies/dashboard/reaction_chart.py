"""A chart of reaction times in the order of a session, as SVG without styles of its own: the page's sheet has them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from studies import numbers

WIDTH, HEIGHT = 880, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 34
TICKS = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
LEAST_RANGE = (300.0, 10_000.0)


@dataclass(frozen=True)
class Mark:
    """One answer: its place in the session from 1, its time in ms, and a class per what it is: main, catch, repeat."""

    place: int
    rt_ms: float
    kind: str
    is_flagged: bool
    label: str


def reaction_chart(marks: Sequence[Mark], *, median_ms: float, title: str, axis: str) -> SafeString:
    """Return the chart: time on a logarithmic axis over the place in the session, and the median as a line.

    Main trials are dots, repeats squares, catch trials diamonds, so that no difference is one of colour alone.
    """
    times = [max(mark.rt_ms, 1.0) for mark in marks]
    low, high = min([LEAST_RANGE[0], *times]), max([LEAST_RANGE[1], *times])
    last = max((mark.place for mark in marks), default=1)

    def x(place: float) -> float:
        share = 0.5 if last == 1 else (place - 1) / (last - 1)
        return round(LEFT + 8 + share * (WIDTH - LEFT - RIGHT - 16), 1)

    def y(milliseconds: float) -> float:
        share = math.log(max(milliseconds, 1.0) / low) / math.log(high / low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    ticks = [tick for tick in TICKS if low <= tick <= high]
    places = _round_places(last)
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        title,
        format_html_join(
            "",
            '<line class="chart-grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
            '<text class="chart-text chart-text-end" x="{3}" y="{4}">{5}</text>',
            ((LEFT, WIDTH - RIGHT, y(tick), LEFT - 8, y(tick) + 4, _seconds(tick)) for tick in ticks),
        ),
        format_html_join(
            "",
            '<text class="chart-text chart-text-middle" x="{}" y="{}">{}</text>',
            ((x(place), HEIGHT - BOTTOM + 18, place) for place in places),
        ),
        format_html(
            '<line class="chart-median" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>', LEFT, WIDTH - RIGHT, y(median_ms)
        ),
        format_html_join("", "{}", ((_shape(mark, x(mark.place), y(mark.rt_ms)),) for mark in marks)),
        format_html('<text class="chart-text chart-text-end" x="{}" y="{}">{}</text>', WIDTH - RIGHT, HEIGHT - 2, axis),
    )


def _shape(mark: Mark, x: float, y: float) -> SafeString:
    name = f"mark mark-{mark.kind}{' mark-flagged' if mark.is_flagged else ''}"
    title = format_html("<title>{}</title>", mark.label)
    if mark.kind == "catch":
        points = f"{x},{y - 5} {x + 5},{y} {x},{y + 5} {x - 5},{y}"
        return format_html('<polygon class="{}" points="{}">{}</polygon>', name, points, title)
    if mark.kind == "repeat":
        return format_html(
            '<rect class="{}" x="{}" y="{}" width="7" height="7">{}</rect>', name, x - 3.5, y - 3.5, title
        )
    return format_html('<circle class="{}" cx="{}" cy="{}" r="3.2">{}</circle>', name, x, y, title)


def _round_places(last: int) -> list[int]:
    """Return up to a dozen places to write below the axis: 1 and multiples of a round number."""
    if last == 1:
        return [1]
    steps = (size * 10**power for power in range(9) for size in (1, 2, 5))
    step = next(step for step in steps if last / step <= 11)
    return [1, *(place for place in range(step, last + 1, step) if place > 1)]


def _seconds(milliseconds: float) -> str:
    return f"{numbers.plain(milliseconds / 1000)} s"
