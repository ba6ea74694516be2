"""How long work reports its progress: a plain callable, so that no module needs a progress bar."""

from collections.abc import Callable

# Called with what is being done ("decoding images"), how many are done, and how many there are.
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
