"""Sending people back to the recruitment service: only to addresses of a protocol and to hosts in the settings."""

from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from django.conf import settings

from studies.models import Participation
from studies.protocol.faults import Fault
from studies.protocol.spec import ProtocolSpec

# The parameter by which Prolific takes its completion codes.
CODE_PARAMETER = "cc"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PLACE = ("recruitment", "prolific", "completion_url")


def check_completion(spec: ProtocolSpec) -> list[Fault]:
    """Return what is wrong with the address to which a protocol sends people back."""
    prolific = spec.recruitment.prolific
    if prolific is None:
        return []
    fault = _fault(prolific.completion_url)
    return [] if fault is None else [fault]


def completion_url(participation: Participation) -> str | None:
    """Return where an annotator is sent at the end, with the code of how it ended. Takes study and protocol with it.

    None for people who did not come from Prolific, while the participation is active, for an outcome without a code,
    and for a host that the settings do not allow (any more).
    """
    prolific = participation.spec.recruitment.prolific
    if participation.source != Participation.Source.PROLIFIC or prolific is None:
        return None
    if participation.state == Participation.State.ACTIVE or not participation.completion_code:
        return None
    if _fault(prolific.completion_url) is not None:
        return None
    parts = urlsplit(prolific.completion_url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), (CODE_PARAMETER, participation.completion_code)]
    return parts._replace(query=urlencode(query)).geturl()


def _fault(address: str) -> Fault | None:
    known = ", ".join(settings.COMPLETION_HOSTS)
    # Browsers read a backslash as a slash and skip tabs and line breaks, so such an address may lead elsewhere.
    if not all("!" <= letter <= "~" for letter in address) or "\\" in address:
        return Fault(PLACE, f"{address!r} holds characters that addresses do not have", "leave them out")
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        netloc = _without_default_port(parts)
    except ValueError:
        return Fault(PLACE, f"{address!r} is no address", f"use one like https://{settings.COMPLETION_HOSTS[0]}/...")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return Fault(PLACE, f"{address!r} does not begin with https://", "use an https address")
    if parts.username is not None or parts.password is not None:
        return Fault(PLACE, f"{address!r} holds a user name", "leave out what is before the @")
    if netloc not in settings.COMPLETION_HOSTS:
        remedy = f"use one of {known}, or have an admin add it to the setting COMPLETION_HOSTS"
        return Fault(PLACE, f"people cannot be sent to {netloc or 'no host'}", remedy)
    if parts.fragment:
        return Fault(PLACE, f"{address!r} holds a #, after which no code is read", "leave out the # and what follows")
    if any(name == CODE_PARAMETER for name, _value in parse_qsl(parts.query, keep_blank_values=True)):
        return Fault(PLACE, f"{address!r} holds a code", "leave it out, and give the codes by outcome")
    return None


def _without_default_port(parts: SplitResult) -> str:
    """Return host and port as `COMPLETION_HOSTS` has them: in lower case, without a port that goes without saying."""
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    is_default = parts.port is None or (parts.scheme, parts.port) in {("https", 443), ("http", 80)}
    return host if is_default else f"{host}:{parts.port}"
