"""What the figures of a protocol are made of: sections, and numbers with their bounds."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Hours = Annotated[int, Field(strict=True, ge=0, le=24 * 60)]
Days = Annotated[int, Field(strict=True, ge=1, le=366)]
Minutes = Annotated[int, Field(strict=True, ge=1, le=24 * 60)]
Count = Annotated[int, Field(strict=True, ge=1, le=1000)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Points = Annotated[int, Field(strict=True, ge=0, le=1000)]
"""Points of a scale, or a number of a vital sign."""


class Section(BaseModel):
    """A group of figures; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
