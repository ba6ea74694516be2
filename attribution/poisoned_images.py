"""Saying which image is behind an error that met several, by trying each of them alone."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from attribution.device_errors import device_error, is_of_memory
from attribution.errors import InputError
from attribution.images import Dataset

BLAMED = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""What a method or a network raises that meets an image it cannot work with."""
OTHERS = 8
"""Where this many images that were not there fail as well, it is the method that fails."""


class PoisonedImageError(RuntimeError):
    """An image that cannot be computed; the text names it, its file and the reason."""


def blame(
    error: BaseException,
    dataset: Dataset,
    where: str,
    items: Sequence[int],
    alone: Callable[[int], object],
    *,
    others: Iterable[int] | None = None,
) -> None:
    """Raise PoisonedImageError if an `error` that met all `items` comes from one of them; `where` it happened.

    ``alone(item)`` does the same with one image. With `others`, the first few of which are tried as well, nothing
    happens where no image works: then it is the method that fails.
    """
    if _is_of_no_image(error):
        return
    works = others is None
    for item in items:
        problem = _problem(item, alone)
        if problem is None:
            works = True
            continue
        after = items[items.index(item) + 1 :]
        apart = islice((each for each in (*after, *(others or ())) if each != item), OTHERS)
        if works or any(_problem(each, alone) is None for each in apart):
            sample = dataset.samples[item]
            raise PoisonedImageError(
                f"{where}: the image {sample.name} cannot be computed: {type(problem).__name__}: {problem}: leave "
                f"{'/'.join(sample.path.parts[-2:])} out of the data set, or mend the method"
            ) from error
        return


def _problem(item: int, alone: Callable[[int], object]) -> BaseException | None:
    try:
        alone(item)
    except BLAMED as error:
        # Input errors say themselves what is wrong.
        return None if isinstance(error, InputError) or _is_of_no_image(error) else error
    return None


def _is_of_no_image(error: BaseException) -> bool:
    # After an error of the device every image fails in this process.
    return isinstance(error, OSError) or is_of_memory(error) or device_error(error) is not None
