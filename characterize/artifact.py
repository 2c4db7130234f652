"""A file that one stage writes and others read: JSON, validated at the door, whole or not there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict


class Artifact(BaseModel):
    """Frozen; unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        temporary = path.with_suffix(path.suffix + ".part")
        temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read; raises ``ValueError`` (pydantic) that names the offending key."""
        return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
