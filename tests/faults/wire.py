"""A wire between browser and server that can be cut: what is sent then gets no reply, not even a refusal."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Wire:
    """Passes bytes on between those who connect to `port` and the server, as long as it is not cut."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.is_cut = False
        self.is_closed = False
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """From now on nothing gets through in either direction, and nobody is told."""
        self.is_cut = True

    def mend(self) -> None:
        """Let new connections through again; those of the time before are broken."""
        self._drop()
        self.is_cut = False

    def close(self) -> None:
        self.is_closed = True
        self.listener.close()
        self._drop()

    def _drop(self) -> None:
        with self.lock:
            dropped, self.open = self.open, set()
        for end in dropped:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _listen(self) -> None:
        while not self.is_closed:
            try:
                near, _address = self.listener.accept()
            except OSError:
                return
            if not self._keep(near):
                return
            if self.is_cut:
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                near.close()
                continue
            if not self._keep(far):
                return
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _keep(self, end: socket.socket) -> bool:
        """Keep a connection until it is dropped; False, and the connection closed, where all were dropped for good."""
        with self.lock:
            if self.is_closed:
                end.close()
                return False
            self.open.add(end)
            return True

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.is_cut:
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    """Lay a wire to a server on this machine."""
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.close()
