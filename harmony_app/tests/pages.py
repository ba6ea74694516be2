"""What is wrong with a page under a content security policy: anything inline, anything that could be a script."""

from collections.abc import Mapping
from html.parser import HTMLParser

ADDRESS_ATTRIBUTES = {"action", "data", "formaction", "href", "poster", "src", "xlink:href"}
# Data for scripts, which no browser runs.
DATA_TYPES = {"application/json", "application/ld+json"}
SCRIPT_SCHEMES = ("javascript:", "vbscript:", "data:text")
LOOSE_SOURCES = {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "'strict-dynamic'", "*", "data:", "blob:"}
LOOSE_SCHEMES = ("http:", "https:", "ws:", "wss:")


class _Faults(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "script" and "src" not in values and values.get("type") not in DATA_TYPES:
            self.found.append("a script without src")
        if tag == "style":
            self.found.append("a style element")
        if tag == "base":
            self.found.append("a base element")
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.found.append("a refresh")
        for name, value in values.items():
            if name.startswith("on"):
                self.found.append(f"<{tag} {name}={value!r}>")
            if name == "style":
                self.found.append(f"<{tag} style={value!r}>")
            if name == "srcdoc":
                self.found.append(f"<{tag} srcdoc>")
            scheme = "".join(value.split()).lower()
            if name in ADDRESS_ATTRIBUTES and scheme.startswith(SCRIPT_SCHEMES):
                self.found.append(f"<{tag} {name}={value!r}>")


def page_faults(html: str) -> list[str]:
    """Return what a policy without inline scripts and styles would stop, or should."""
    parser = _Faults()
    parser.feed(html)
    parser.close()
    return parser.found


def policy_faults(headers: Mapping[str, str]) -> list[str]:
    """Return what is loose about the scripts that a reply's policy allows."""
    policy = headers.get("Content-Security-Policy")
    if policy is None:
        return ["no policy"]
    directives = {name: sources for name, *sources in (part.split() for part in policy.split(";") if part.strip())}
    sources = directives.get("script-src", directives.get("default-src"))
    if sources is None:
        return ["no word about scripts"]
    loose = [source for source in sources if source in LOOSE_SOURCES or source.startswith(LOOSE_SCHEMES)]
    wanted = {"object-src": ["'none'"], "base-uri": ["'self'"], "frame-ancestors": ["'none'"]}
    return loose + [name for name, value in wanted.items() if directives.get(name) not in (value, ["'none'"])]
