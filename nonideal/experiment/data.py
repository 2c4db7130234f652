"""The section ``[data]`` of an experiment: a data set by name, or from files of one's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    Field,
    PlainValidator,
    PrivateAttr,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from nonideal.experiment.sections import Section, Seed
from nonideal.files import read_bytes
from nonideal.pnn.array_file import MOST_ARRAY_BYTES
from nonideal.pnn.errors import DataError
from nonideal.pnn.known_data import IMAGES, SMALL, SUFFIXES, pooled
from nonideal.pnn.scaling import scaling_choice

if TYPE_CHECKING:
    from nonideal.pnn.checkpoint import Provenance
    from nonideal.pnn.data import Dataset, Encoding

DATA = "NONIDEAL_DATA"  # environment variable: the folder that holds the folders of image sets
OF_FILES = ("test_file", "columns", "label", "scaling", "delimiter", "decimal")
"""Keys that say how files are read."""
Column = StrictInt | StrictStr


class Data(Section):
    """The data set and its split; features become spike times (see ``nonideal.pnn.data.Encoding``).

    ``set`` is one by name; image sets are read from files, see ``place``, and a pixel is the mean of ``pool`` x ``pool`` of theirs. In its
    place ``file`` names a CSV, Parquet or ``.npz`` file beside the experiment (or in ``folder``), and ``test_file`` one of test samples; the
    keys after them are those of ``pnn.load_table``.
    """

    set: str | None = "iris"
    file: str | None = None
    test_file: str | None = None
    columns: Annotated[tuple[Column, ...], Field(min_length=1)] | None = None
    label: Column | None = None
    scaling: Annotated[Any, PlainValidator(scaling_choice)] = "minmax"
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] = "."
    test_samples: Annotated[int, Field(ge=1, le=100_000)] = 50
    split_seed: Seed = 0
    encoding: Literal["direct", "inverted"] = "direct"
    bias_axon: bool = True
    pool: Annotated[int, Field(ge=1, le=32)] = 1
    folder: str | None = None
    download: bool = False
    _beside: Path = PrivateAttr(default=Path())
    _trained: Provenance | None = PrivateAttr(default=None)

    @field_validator("set")
    @classmethod
    def _set_is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in (*SMALL, *IMAGES):
            raise ValueError(
                f'unknown data set; choose one of {", ".join((*SMALL, *IMAGES))}, or name a file of your own: file = "mine.csv"'
            )
        return name

    @field_validator("file", "test_file")
    @classmethod
    def _file_is_of_a_kind(cls, name: str | None) -> str | None:
        if name is not None and ("\0" in name or not name.lower().endswith(SUFFIXES)):
            raise ValueError(f"a data file ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
        return name

    @model_validator(mode="before")
    @classmethod
    def _file_or_set(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        if given.get("pool", 1) != 1 and given.get("set") not in IMAGES:
            raise ValueError(f"data.pool is about images, data.set = {' or '.join(IMAGES)}: leave it out")
        if given.get("file") is None:
            lone = [key for key in OF_FILES if given.get(key) not in (None, cls.model_fields[key].default)]
            if lone:
                raise ValueError(f'data.{lone[0]} is about a file of your own: name it, file = "mine.csv"')
            return given
        if given.get("set") is not None:
            raise ValueError("data.set and data.file exclude each other: give one of them")
        if given.get("test_file") is not None and "test_samples" in given:
            raise ValueError("data.test_file says which samples are held out: leave data.test_samples out")
        return {"set": None} | given

    @model_validator(mode="after")
    def _pool_leaves_no_rest(self) -> Data:
        try:
            _ = self.image_shape
        except DataError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def place(self) -> Path | None:
        """Where the files of an image set lie: ``folder``, else its own folder in $NONIDEAL_DATA or in ./data."""
        if self.set is None or self.set not in IMAGES:
            return None
        return Path(self.folder) if self.folder is not None else Path(os.environ.get(DATA, "data")) / self.set

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Channels, height and width of an image set's samples; None for what is no image. Raises ``DataError`` where ``pool`` leaves a rest."""
        return None if self.set is None or self.set not in IMAGES else pooled(self.set, self.pool)

    @property
    def name(self) -> str:
        """What the data set is called."""
        return Path(self.file).stem if self.file is not None else str(self.set)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of one's own that it is read from."""
        folder = Path(self.folder) if self.folder is not None else self._beside
        return tuple(folder / name for name in (self.file, self.test_file) if name is not None)

    def beside(self, folder: Path) -> Data:
        """The same, its files being looked for in the folder of the experiment. Where that lies changes no result."""
        if self.file is None:
            return self
        found = self.model_copy()
        found._beside = folder
        return found

    def as_trained(self, provenance: Provenance) -> Data:
        """The same, its file being read as the data set of a trained network was: its columns, classes, scaling and encoding."""
        found = self.model_copy()
        found._trained = provenance
        return found

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file of one's own, as the inputs of whatever reads the data set. Raises ``UnreadableFile``."""
        names = ("data", "test data")
        contents = (read_bytes(path, most_bytes=MOST_ARRAY_BYTES) for path in self.files)
        return {name: sha256(content).hexdigest() for name, content in zip(names, contents, strict=False)}

    @property
    def held_out(self) -> int | None:
        """How many samples are held out; None where only the files know."""
        known = self.file is None or (self.test_file is None and not self.file.lower().endswith(".npz"))
        return self.test_samples if known else None

    def load(self) -> Dataset:
        """The data set; ``test_samples`` and ``split_seed`` count where nothing else says what is held out, images are split as published."""
        from nonideal.pnn.images import load_dataset
        from nonideal.pnn.own_data import load_as_trained, load_table

        if self.files and self._trained is not None:
            origin, encoding = self._trained.origin, self._trained.encoding
            return load_as_trained(self.files[0], origin, encoding=encoding)
        if self.files:
            return load_table(
                self.files[0],
                test_path=self.files[1] if len(self.files) > 1 else None,
                columns=self.columns,
                label=self.label,
                scaling=self.scaling,
                seed=self.split_seed,
                test_samples=self.test_samples,
                encoding=self.spike_encoding(),
                delimiter=self.delimiter,
                decimal=self.decimal,
            )
        return load_dataset(
            str(self.set),
            seed=self.split_seed,
            test_samples=self.test_samples,
            encoding=self.spike_encoding(),
            folder=self.place,
            pool=self.pool,
        )

    def fetch(self, say: Callable[[str], object]) -> None:
        """Make sure that an image set's files are there, or raise ``DataError``; with ``download`` what is missing is fetched."""
        from nonideal.pnn.images import download_openml, images_present

        place = self.place
        if self.set is None or place is None or images_present(self.set, place):
            return
        elsewhere = f"or say where they lie: data.folder, --data, or ${DATA}/{self.set}"
        if not self.download:
            raise DataError(
                f"the files of {self.set} are not in {place.absolute()}: put them there, {elsewhere}"
            )
        say(f"{self.set} is not in {place.absolute()}: fetching it from OpenML")
        try:
            download_openml(self.set, place)
        except DataError as error:
            raise DataError(f"{error}, {elsewhere}") from error

    def spike_encoding(self) -> Encoding:
        """The encoding as ``pnn`` takes it."""
        from nonideal.pnn.data import Encoding

        return Encoding(time=self.encoding, bias=self.bias_axon)
