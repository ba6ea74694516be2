"""A door in front of a server on this machine: shut, it refuses connections as if the server were away."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.faults.wire import Wire


class Door(Wire):
    """Passes bytes on between those who connect and the server, unless it is shut."""

    def shut(self) -> None:
        """Break all connections, and refuse new ones."""
        # Closing alone does not wake the thread that waits for connections.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.close()

    def open_again(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.is_closed = False
        threading.Thread(target=self._listen, daemon=True).start()


@contextlib.contextmanager
def door_to(port: int) -> Iterator[Door]:
    """Put a door in front of a server on this machine."""
    door = Door(port)
    try:
        yield door
    finally:
        door.close()
