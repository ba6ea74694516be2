"""The highest values of a map, with ties shared fairly: what RRA and TopK count."""

from array_api_compat import array_namespace

from attribution.metrics.undefined import Array


def hits_among_top(maps: Array, masks: Array, counts: Array) -> Array:
    """How many of each map's `counts` highest pixels lie in its mask.

    Pixels with the value of the last one that counts are tied, and those without positive relevance are tied at zero.
    The places that are left for tied pixels are filled by each of them in equal parts: the expected number of hits if
    ties were broken at random. So hits are not always whole, and neither the order of pixels nor chance matters.

    Args:
        maps: [N, H, W], finite.
        masks: bool [N, H, W].
        counts: int64 [N], from 1 to H * W.

    Returns:
        float64 [N] in [0, counts].
    """
    xp = array_namespace(maps, masks)
    size = maps.shape[1] * maps.shape[2]
    values = xp.reshape(xp.where(maps > 0, maps, 0.0), (-1, size))
    inside = xp.reshape(masks, (-1, size))
    ascending = xp.sort(values, axis=1, stable=False)
    last = xp.take_along_axis(ascending, size - counts[:, None], axis=1)
    above, tied = values > last, values == last

    def count(chosen: Array) -> Array:
        return xp.astype(xp.count_nonzero(chosen, axis=1), xp.float64)

    places = xp.astype(counts, xp.float64) - count(above)
    return count(above & inside) + places * count(tied & inside) / count(tied)
