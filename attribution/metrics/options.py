"""What options of metrics and trainers have in common."""


def whole_number(name: str, value: object, least: int, most: int | None = None) -> None:
    """ValueError unless the option is an int (no bool, no 2.0) from `least` to `most`."""
    if type(value) is not int or value < least or (most is not None and value > most):
        limit = "" if most is None else f" to {most}"
        raise ValueError(f"{name}: {value!r}: use a whole number from {least}{limit}")
