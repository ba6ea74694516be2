"""What every part of a protocol is, and the kinds of text in it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
# Spaces alone would show as nothing.
NOT_BLANK = r"\S"
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=NOT_BLANK)]
Markdown = Annotated[str, StringConstraints(max_length=50_000)]
Share = Annotated[float, Field(ge=0, le=0.5)]
Expected = Literal["original", "finetuned", "neither"]


class Part(BaseModel):
    """A part of a protocol: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class KnownTrial(Part):
    """A trial of the study whose right answer the researchers know; `feedback` explains it after a practice trial."""

    trial: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NOT_BLANK)]
    expected: Expected
    feedback: Annotated[str, StringConstraints(max_length=2000)] = ""
