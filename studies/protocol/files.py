"""Protocols as files."""

from pathlib import Path

from studies.protocol.faults import Fault, ProtocolError


def protocol_file_text(file: Path) -> str:
    """Return the text of a protocol's file; raises ProtocolError if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError(file.name, [Fault((), "is not encoded as UTF-8", "save it as UTF-8")]) from error
    except OSError as error:
        raise ProtocolError(
            str(file), [Fault((), f"cannot be read ({error.strerror})", "give the path of a TOML file")]
        ) from error
