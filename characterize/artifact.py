"""A file that one stage writes and others read: JSON, validated at the door, whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from nonideal.files import UnreadableFile, read_json, write_text

MOST_TOLD = 3


class Artifact(BaseModel):
    """Frozen; unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_text(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read; raises ``UnreadableFile`` that names the file, and the offending key where it is JSON."""
        value = read_json(path)
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}" for one in error.errors()
            ]
            more = f" and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
            told = "; ".join(problems[:MOST_TOLD]) + more
        except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
            told = str(error) or type(error).__name__
        raise UnreadableFile(
            f"{path} is no {cls.__name__} that this version reads ({told}): make it again with the command that wrote it, or mend it"
        )
