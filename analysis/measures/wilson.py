"""Wilson's score interval of a share."""

import math

from scipy.special import ndtri

from analysis.measures.estimates import CONFIDENCE, Estimate, undefined


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """Wilson (1927): the shares that a score test at 5 % does not reject, `total` > 0 answers taken as independent."""
    z = float(ndtri(0.5 + CONFIDENCE / 2))
    share = count / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    margin = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    low = 0.0 if count == 0 else max(0.0, centre - margin)
    high = 1.0 if count == total else min(1.0, centre + margin)
    return low, high


def wilson_estimate(count: int, total: int, *, definition: str, nothing: str) -> Estimate:
    """count / total with its Wilson interval; undefined for the reason `nothing` where total is 0."""
    if total == 0:
        return undefined(nothing, n=0, definition=definition)
    low, high = wilson_interval(count, total)
    share = count / total
    return Estimate(
        value=share,
        low=low,
        high=high,
        se=math.sqrt(share * (1 - share) / total),
        n=total,
        reason=None,
        definition=definition,
    )
