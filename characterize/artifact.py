"""A file that one stage writes and others read: JSON, validated at the door, whole or not there."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict

from nonideal.files import write_text
from nonideal.files.record import Document


class Artifact(Document):
    """A document that results depend on: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_text(path, self.model_dump_json(indent=1) + "\n")
