"""Numbers as people read them: with the decimal sign of the page's language. What programs read is not written here."""

from django.utils.formats import number_format


def fixed(value: float, decimals: int, *, signed: bool = False) -> str:
    """A number with so many decimals: `0.830`, never `−0.00`; `signed` gives positive ones a sign as well: `+0.010`."""
    text = f"{value:+z.{decimals}f}" if signed else f"{value:z.{decimals}f}"
    return number_format(text).replace("-", "−")


def plain(value: float, decimals: int = 12) -> str:
    """A number with at most so many decimals, and none that say nothing: `0.6`, `20`."""
    return number_format(f"{round(value, decimals):.12g}")


def whole(value: int) -> str:
    """A whole number in groups of three digits: `4,000`."""
    return number_format(value, use_l10n=True, force_grouping=True)
