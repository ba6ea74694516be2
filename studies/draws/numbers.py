"""Numbers that look random and follow from what they are asked about."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b


def drawn_number(*parts: object) -> int:
    """Return a number of 64 bits that depends on the parts alone: the same on every machine and in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def drawn_ties(names: Iterable[str], *parts: object) -> Iterator[bytes]:
    """Return for each name the bytes of `drawn_number(*parts, name)`, which sort like the numbers.

    Quicker where there are thousands of names.
    """
    start = blake2b("".join(f"{part}\x1f" for part in parts).encode(), digest_size=8)
    for name in names:
        tie = start.copy()
        tie.update(name.encode())
        yield tie.digest()
