"""The error a researcher can act on."""


class InputError(ValueError):
    """Input that cannot be used. Its text names the file, the field and the remedy."""
