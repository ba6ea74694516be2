"""JSON files of any length, read piece by piece: of a long list or object only one value is in memory at a time."""

import json
import re
from collections.abc import Iterator
from typing import IO, Any, NoReturn

CHUNK = 512 * 1024
# In characters. Every object of a bundle is far smaller; the longest is what a manifest tells of all conditions.
LONGEST_VALUE = 32 * 1024 * 1024
WHITE = re.compile(r"[ \t\r\n]*")


class JsonStream:
    """A JSON text that is taken apart from its start to its end. Raises ValueError with the place of what is wrong."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file
        self.decoder = json.JSONDecoder()
        self.text = ""
        self.position = 0
        self.passed = 0

    def next_character(self) -> str:
        """Return the next character that is not white, and stay before it; "" at the end."""
        while True:
            match = WHITE.match(self.text, self.position)
            self.position = match.end() if match else self.position
            if self.position < len(self.text) or not self._more():
                return self.text[self.position : self.position + 1]

    def value(self) -> Any:
        """Return the next value."""
        self.next_character()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.position)
            except json.JSONDecodeError as error:
                # Wrong, or not all there yet.
                if not self._more():
                    self._fail(error.msg, error.pos)
            else:
                # A number at the end may go on in the next piece: of 1.5e+10, 1.5 is a number before "e+".
                if end + 2 < len(self.text) or not self._more():
                    self.position = end
                    return value

    def items(self) -> Iterator[Any]:
        """Give the items of the next value, a list."""
        self._take("[")
        if self.next_character() == "]":
            self._take("]")
            return
        yield self.value()
        while self._take(",]") == ",":
            yield self.value()

    def names(self) -> Iterator[str]:
        """Give the names in the next value, an object; what a name stands for is taken before the next name."""
        self._take("{")
        if self.next_character() == "}":
            self._take("}")
            return
        yield self._name()
        while self._take(",}") == ",":
            yield self._name()

    def end(self) -> None:
        """Check that nothing follows."""
        if self.next_character():
            self._fail("Extra data", self.position)

    def _name(self) -> str:
        if self.next_character() != '"':
            self._fail("Expecting property name enclosed in double quotes", self.position)
        name: str = self.value()
        self._take(":")
        return name

    def _take(self, allowed: str) -> str:
        found = self.next_character()
        if not found or found not in allowed:
            self._fail(f"Expecting {' or '.join(repr(one) for one in allowed)}", self.position)
        self.position += 1
        return found

    def _more(self) -> bool:
        """Read on, as much as is left over again, so that a long value is not tried often; False at the end."""
        left = len(self.text) - self.position
        if left > LONGEST_VALUE:
            self._fail(f"a value is longer than {LONGEST_VALUE >> 20} Mi characters", self.position)
        piece = self.file.read(max(CHUNK, left))
        if not piece:
            return False
        self.passed += self.position
        self.text = self.text[self.position :] + piece
        self.position = 0
        return True

    def _fail(self, what: str, position: int) -> NoReturn:
        raise ValueError(f"{what}: character {self.passed + position}")
