"""What can be wrong with a bundle."""


class BundleError(ValueError):
    """A bundle that is refused; the message names the file, the field and the remedy. Nothing was written."""

    def __init__(self, where: str, what: str, remedy: str) -> None:
        super().__init__(f"{where}: {what}; {remedy}")


EXPORT_AGAIN = "export the bundle again"
