"""What a JSON file holds, as an object: validated at the door, and told by key where it does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from nonideal.files.errors import UnreadableFile
from nonideal.files.read import read_json
from nonideal.files.write import write_json

MOST_TOLD = 3


class Document(BaseModel):
    """Frozen; NaN and infinity are refused, None stands for what is not known."""

    model_config = ConfigDict(
        frozen=True, allow_inf_nan=False, populate_by_name=True, serialize_by_alias=True
    )

    def as_json(self) -> dict[str, JsonValue]:
        """Plain values by key, in the order of the fields."""
        plain: dict[str, JsonValue] = self.model_dump(mode="json")
        return plain

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_json(path, self.as_json())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read; raises ``UnreadableFile`` that names the file, and the offending key where it is JSON."""
        return cls.from_json(read_json(path), path)

    @classmethod
    def from_json(cls, value: Any, path: Path) -> Self:
        """From the JSON that ``path`` holds. Raises ``UnreadableFile`` as ``load`` does."""
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


class Record(Document):
    """What is told of results. Other versions' files are read as far as they go.

    A key that this version does not know is passed over; one that an older version did not write is None, never zero, and is not written
    again.
    """

    model_config = ConfigDict(extra="ignore")

    @model_serializer(mode="wrap")
    def _without_what_nobody_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        unset = {field.alias or name for name, field in fields.items() if name not in self.model_fields_set}
        return {key: value for key, value in handler(self).items() if key not in unset}
