"""Many annotators in one thread: each has a keep-alive connection and a generator that says what to ask next.

The client shares the processors with the server that it measures, so it does next to nothing: requests are sent as
bytes that were made beforehand, and of a reply only status, length and body are read.
"""

import select
import socket
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

# Longer than any reply should take; then the server counts as stuck.
PATIENCE_SECONDS = 60
READ_BYTES = 1 << 18


class LoadError(RuntimeError):
    """The server replied with what this client cannot read, or not at all."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply; status 0 says that the connection was lost before it was whole."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value; `name` is in lower case."""
        lines = self.head.decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines[1:])
        return next((value for key, _, value in pairs if key.lower() == name), None)


# Yields a request to be sent and gets its reply; yields None once when its preparations are over.
Session = Generator[bytes | None, Reply, None]


def request(method: str, path: str, *, cookies: str = "", headers: Iterable[str] = (), body: bytes = b"") -> bytes:
    """Return an HTTP/1.1 request for the loopback interface."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*", *headers]
    if cookies:
        lines.append(f"Cookie: {cookies}")
    if method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Member:
    """A session with its connection."""

    def __init__(self, port: int, session: Session) -> None:
        self.port = port
        self.session = session
        self.socket: socket.socket | None = None
        self.received = bytearray()
        self.whole = 0

    def connect(self) -> socket.socket:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Requests fit into the socket's buffer, and replies are read when there is something to read.
        self.socket.setblocking(False)
        return self.socket

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def reply(self) -> Reply | None:
        """Return the reply once it is there as a whole."""
        if not self.whole:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = bytes(self.received[:end]).lower()
            length = head.find(b"\r\ncontent-length: ")
            if length < 0:
                raise LoadError(f"a reply without its length: {head.decode('latin-1')}")
            self.whole = end + 4 + int(head[length + 18 :].split(b"\r\n", 1)[0])
        if len(self.received) < self.whole:
            return None
        head, _, body = bytes(self.received).partition(b"\r\n\r\n")
        self.received.clear()
        self.whole = 0
        return Reply(int(head[9:12]), head, body)


class Crowd:
    """Drives sessions until all have ended."""

    def __init__(self, port: int, sessions: Iterable[Session]) -> None:
        self.port = port
        self.members = [_Member(port, session) for session in sessions]
        self.by_descriptor: dict[int, _Member] = {}
        self.waiting: list[_Member] = []
        self.epoll = select.epoll()

    def run(self, on_ready: Callable[[], object]) -> None:
        """Let all sessions prepare themselves, call `on_ready` once, and let all go on to their end.

        Raises LoadError if the server stays silent for `PATIENCE_SECONDS`.
        """
        try:
            for member in self.members:
                self._advance(member, None)
            self._drive()
            ready, self.waiting = self.waiting, []
            on_ready()
            for member in ready:
                self._advance(member, None)
            self._drive()
        finally:
            for member in self.members:
                member.close()
            self.epoll.close()

    def _drive(self) -> None:
        while self.by_descriptor:
            events = self.epoll.poll(PATIENCE_SECONDS)
            if not events:
                raise LoadError(f"no reply for {PATIENCE_SECONDS} s")
            for descriptor, _ in events:
                self._receive(descriptor, self.by_descriptor[descriptor])

    def _receive(self, descriptor: int, member: _Member) -> None:
        assert member.socket is not None
        try:
            part = member.socket.recv(READ_BYTES)
        except OSError:
            part = b""
        if part:
            member.received += part
            reply = member.reply()
            if reply is None:
                return
        else:
            member.received.clear()
            member.whole = 0
            reply = Reply(0, b"", b"")
        self.epoll.unregister(descriptor)
        del self.by_descriptor[descriptor]
        if not part or b"\r\nconnection: close" in reply.head.lower():
            member.close()
        self._advance(member, reply)

    def _advance(self, member: _Member, reply: Reply | None) -> None:
        """Give a reply to the session and send what it asks next."""
        try:
            asked = next(member.session) if reply is None else member.session.send(reply)
        except StopIteration:
            member.close()
            return
        if asked is None:
            self.waiting.append(member)
            return
        # A server closes a connection that was idle for some seconds; like a browser, send on a new one then.
        if member.socket is not None and _is_closed(member.socket):
            member.close()
        connection = member.socket or member.connect()
        connection.sendall(asked)
        descriptor = connection.fileno()
        self.by_descriptor[descriptor] = member
        self.epoll.register(descriptor, select.EPOLLIN)


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def one(reply_of: bytes, port: int) -> Reply:
    """Send a single request; returns the reply."""
    replies: list[Reply] = []

    def session() -> Session:
        replies.append((yield reply_of))

    Crowd(port, [session()]).run(lambda: None)
    return replies[0]


def together(asked: bytes, port: int, count: int) -> list[Reply]:
    """Send the same request on `count` connections at the same moment; returns the replies."""
    replies: list[Reply] = []
    connections = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) for _ in range(count)]
    try:
        for connection in connections:
            connection.sendall(asked)
        for connection in connections:
            replies.append(_read(connection))
    finally:
        for connection in connections:
            connection.close()
    return replies


def _read(connection: socket.socket) -> Reply:
    member = _Member(0, iter(()))  # type: ignore[arg-type]
    while True:
        try:
            part = connection.recv(READ_BYTES)
        except OSError:
            part = b""
        if not part:
            return Reply(0, b"", b"")
        member.received += part
        reply = member.reply()
        if reply is not None:
            return reply
