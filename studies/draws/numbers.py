"""Numbers that look random and follow from what they are asked about."""

from hashlib import blake2b


def drawn_number(*parts: object) -> int:
    """Return a number of 64 bits that depends on the parts alone: the same on every machine and in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
