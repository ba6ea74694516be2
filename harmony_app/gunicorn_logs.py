"""gunicorn's own log in the format of the site's, scrubbed as well."""

from typing import Any

from gunicorn.glogging import Logger

from harmony_app.environment import env_choice
from harmony_app.logs import FORMATS, formatter
from harmony_app.scrubbing import scrubbed

# In an access line, what is written by whoever asks.
_ASKERS = ("r", "U", "q", "f", "a")


class ScrubbedLogger(Logger):  # type: ignore[misc]
    """As gunicorn's, without tokens in paths. With LOG_FORMAT=json the site itself writes a line for each request."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self._format = env_choice("LOG_FORMAT", FORMATS[0], FORMATS)
        if self._format == "json":
            for handler in self.error_log.handlers:
                handler.setFormatter(formatter(self._format))

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        if self._format != "json":
            super().access(resp, req, environ, request_time)

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return {name: scrubbed(str(value)) if name in _ASKERS else value for name, value in atoms.items()}
