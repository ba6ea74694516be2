"""Addresses that people may be sent to."""

import re
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# Browsers take some of these for a slash or leave them out, and so see another host than Python does.
ODD = re.compile(r"[^\x21-\x7e]|[\\\"<>^`{|}]")


def is_web_address(address: str) -> bool:
    """Whether this is an https address with a host, without user and fragment; http only on this machine itself.

    Which hosts are allowed is a setting of the site, not checked here.
    """
    if ODD.search(address):
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    is_scheme = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    return is_scheme and bool(host) and "@" not in parts.netloc and "#" not in address
