"""A recruitment service to test with: it holds places, sends people with their ids, and is told by codes how it ended.

It plays Prolific over real HTTP. `GET /take?person=ID` is what happens when somebody presses "Take part": the service
notes who is at this browser and sends them to the study. `GET /submissions/complete?cc=CODE` is where the study sends
them back to.
"""

import hashlib
import html
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

STUDY_ID = "64b7c0ffee64b7c0ffee64b7"
# What the service knows people by: not the same as the site's session.
COOKIE = "recruiter_person"


def person_id(number: int) -> str:
    """Return an id as Prolific makes them: 24 hexadecimal digits."""
    return hashlib.sha256(f"person {number}".encode()).hexdigest()[:24]


@dataclass
class Submission:
    """One person's try at the study. `codes` are those they came back with, in order."""

    person: str
    session: str
    codes: list[str] = field(default_factory=list)


@dataclass
class Recruiter:
    """The service's books. `outcomes` says what each code means; `places` how many people it sends at most at once.

    A place is taken by who is at the study and by who completed it.
    """

    port: int
    places: int = 1000
    study_address: str = ""
    outcomes: Mapping[str, str] = field(default_factory=dict)
    submissions: dict[str, Submission] = field(default_factory=dict)
    # Requests that it cannot make sense of.
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def host(self) -> str:
        """Another name than the site has, so that neither gets the other's cookies."""
        return f"localhost:{self.port}"

    @property
    def completion_url(self) -> str:
        return f"http://{self.host}/submissions/complete"

    def take_address(self, person: str) -> str:
        """Return the address at which a person takes part."""
        return f"http://{self.host}/take?{urlencode({'person': person})}"

    def outcome(self, person: str) -> str | None:
        """Return how it ended for a person; None: they have not come back."""
        submission = self.submissions.get(person)
        return self.outcomes.get(submission.codes[0]) if submission and submission.codes else None

    def take(self, person: str) -> str | None:
        """Send a person to the study: return the address, None where no place is left. The same person keeps theirs."""
        with self.lock:
            if person not in self.submissions:
                taken = sum(self.outcome(other) in (None, "completed") for other in self.submissions)
                if taken >= self.places:
                    return None
                session = hashlib.sha256(f"session of {person}".encode()).hexdigest()[:24]
                self.submissions[person] = Submission(person, session)
            session = self.submissions[person].session
        query = urlencode({"PROLIFIC_PID": person, "STUDY_ID": STUDY_ID, "SESSION_ID": session})
        return f"{self.study_address}?{query}"

    def come_back(self, person: str, code: str) -> str | None:
        """Note the code of a person who comes back; return what it means, None if it cannot be."""
        with self.lock:
            submission = self.submissions.get(person)
            if submission is None or code not in self.outcomes:
                self.faults.append(f"{person!r} came with {code!r}")
                return None
            submission.codes.append(code)
            return self.outcomes[code]


class _Handler(BaseHTTPRequestHandler):
    recruiter: Recruiter

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/take" and query.get("person"):
            self._take(query["person"])
        elif address.path == "/submissions/complete" and query.get("cc"):
            self._complete(query["cc"])
        elif address.path == "/favicon.ico":
            self._page(204, "")
        else:
            self.recruiter.faults.append(self.path)
            self._page(404, "Unknown")

    def _take(self, person: str) -> None:
        address = self.recruiter.take(person)
        if address is None:
            self._page(403, "No places")
            return
        self.send_response(302)
        self.send_header("Location", address)
        self.send_header("Set-Cookie", f"{COOKIE}={person}; Path=/; HttpOnly; SameSite=Lax")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _complete(self, code: str) -> None:
        cookies = SimpleCookie(self.headers.get("Cookie", ""))
        person = cookies[COOKIE].value if COOKIE in cookies else ""
        outcome = self.recruiter.come_back(person, code)
        self._page(200 if outcome else 400, f"Back: {outcome or 'unknown code'}")

    def _page(self, status: int, title: str) -> None:
        body = f"<!doctype html><html lang=en><title>Recruiter</title><h1>{html.escape(title)}</h1>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", "0" if status == 204 else str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: a test's output is its own."""


@contextmanager
def running_recruiter(outcomes: Mapping[str, str], places: int = 1000) -> Iterator[Recruiter]:
    """Run the service on a port of this machine; `outcomes` says what each completion code means."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    recruiter = Recruiter(server.server_address[1], places, outcomes=outcomes)
    handler.recruiter = recruiter  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recruiter
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
