"""Times that a browser claims, held against what the server knows. Implausible ones are flagged, never refused."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from studies.protocol.spec import TrialSettings

# Clocks of browsers step in tenths of a millisecond up to 100 ms, and frames take up to some 30 ms.
TOLERANCE_MS = 150.0
# The fastest reactions to something seen take longer than this, without any choice.
FASTEST_MS = 100.0
# Clocks of computers that set them by the network are seconds apart at most.
CLOCK_MS = 60_000.0

FLAGS = {
    "answered_before_painted": "the answer came before the pictures, by the browser's own clock",
    "clock_off": "answered before the trial was given out, or in the future: the browser's clock is wrong or made up",
    "faster_than_possible": f"faster than {FASTEST_MS:g} ms",
    "over_most_ms": "an answer after the time limit of the protocol",
    "rt_longer_than_issued": "the reaction time is longer than the trial has been given out",
    "rt_unlike_times": "the reaction time is not the time between pictures and answer",
    "times_missing": "the browser did not say when the pictures came and when the answer",
    "timeout_too_early": "out of time before the time limit of the protocol",
    "under_least_ms": "an answer before the least time of the protocol",
}
"""What each flag says about a response."""


def implausible_times(
    *,
    rt_ms: float,
    timing: Mapping[str, Any],
    is_timeout: bool,
    issued_at: datetime,
    received_at: datetime,
    settings: TrialSettings,
) -> list[str]:
    """Return the flags of an answer, a subset of FLAGS in their order.

    `timing` may hold anything; `painted_at` and `answered_at` are milliseconds since 1970 by the browser's clock. An
    answer may be sent long after it was given.
    """
    painted, answered = (_number(timing.get(name)) for name in ("painted_at", "answered_at"))
    issued_ms, received_ms = issued_at.timestamp() * 1000, received_at.timestamp() * 1000
    found = {
        "rt_longer_than_issued": rt_ms > received_ms - issued_ms + TOLERANCE_MS,
        "faster_than_possible": rt_ms < FASTEST_MS,
        "under_least_ms": rt_ms < settings.least_ms - TOLERANCE_MS,
        "times_missing": painted is None or answered is None,
    }
    if settings.most_ms is not None:
        found["over_most_ms"] = not is_timeout and rt_ms > settings.most_ms + TOLERANCE_MS
        found["timeout_too_early"] = is_timeout and rt_ms < settings.most_ms - TOLERANCE_MS
    if painted is not None and answered is not None:
        found["answered_before_painted"] = answered < painted
        found["rt_unlike_times"] = abs(answered - painted - rt_ms) > TOLERANCE_MS
        found["clock_off"] = not issued_ms - CLOCK_MS <= answered <= received_ms + CLOCK_MS
    return [flag for flag in FLAGS if found.get(flag)]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
