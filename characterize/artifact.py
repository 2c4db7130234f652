"""A file that one stage writes and others read: JSON, validated at the door, whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from files import read_json, write_text


class Artifact(BaseModel):
    """Frozen; unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_text(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read; raises ``UnreadableFile``, or ``ValueError`` (pydantic) that names the offending key."""
        return cls.model_validate(read_json(path))
