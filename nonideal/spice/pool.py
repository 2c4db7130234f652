"""Many decks at once, on this machine or on a Dask cluster."""

from __future__ import annotations

import logging
import threading
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import joblib

from nonideal.files import write_if_changed
from nonideal.spice.cache import Cache
from nonideal.spice.cluster import Abandoned, connected
from nonideal.spice.deck import Deck
from nonideal.spice.errors import BadDeck, Interrupted, SimulationFailed, SimulatorMissing
from nonideal.spice.ladder import LADDER, Rung, climb
from nonideal.spice.ngspice import Ngspice, find_ngspice, remove_left_runs
from nonideal.spice.process import Stop
from nonideal.spice.progress import Advance, shown
from nonideal.spice.result import AS_GIVEN, Failure, Result

logger = logging.getLogger("nonideal.spice")

Keep = Literal["decks", "raw"]

_DISMISS_S: Final = 5
"""More than SIGTERM, SIGKILL and the polling take."""


def run_many(
    decks: Sequence[Deck],
    *,
    jobs: int,
    folder: Path,
    timeout_s: float,
    ngspice: Ngspice | None = None,
    scheduler: str | None = None,
    cache: Cache | None = None,
    ladder: Sequence[Rung] = LADDER,
    keep: Keep = "decks",
    progress: bool | Advance = False,
    on_done: Callable[[int, Result | Failure], None] | None = None,
) -> list[Result | Failure]:
    """Run `decks`, each up the `ladder`, `jobs` at a time, and return what each gave, in their order.

    Every deck that is run lies in `folder` with its log, rerunnable by `ngspice -b`; `keep="raw"` keeps the
    raw files of good runs too (only here, not from a cluster). `timeout_s` (s) is for each attempt. With
    `cache`, what is known is not run, and each result is stored as it arrives, so that an interrupted call
    goes on where it was. `on_done(index, outcome)` is called here as outcomes arrive; `progress` is True for
    a bar on the terminal, or a callable given (done, total).

    Here, joblib's threads each wait for an ngspice process; nothing is computed in the threads themselves.
    With `scheduler="tcp://host:port"` the same jobs go through joblib to a Dask cluster (extra `cluster`):
    its workers need this package and the same ngspice version, run in temporary folders and return arrays;
    `jobs` is then the cluster's business.

    Raises `BadDeck` (two decks of one name, or one include name with two contents), `SimulatorMissing`,
    `SchedulerUnavailable`. A failed deck is a `Failure` in the list, not an exception. Ctrl-C, and any
    exception, ends all simulators and is raised again.
    """
    if jobs < 1:
        raise ValueError(f"jobs = {jobs}: must be at least 1")
    folder = Path(folder).absolute()
    _check_folder(decks)
    here = find_ngspice() if ngspice is None else ngspice
    outcomes: dict[int, Result | Failure] = {}
    said: dict[str, list[str]] = defaultdict(list)

    def arrived(index: int, outcome: Result | Failure) -> None:
        outcomes[index] = outcome
        for message in outcome.messages if isinstance(outcome, Result) else ():
            said[message].append(outcome.name)
        if on_done is not None:
            on_done(index, outcome)
        advance(len(outcomes), len(decks))

    with shown(progress, len(decks)) as advance:
        waiting = []
        for index, deck in enumerate(decks):
            known = None if cache is None else cache.get(deck.key(here.version))
            as_run = None if known is None else _as_run(deck, known.rung, ladder)
            if known is None or as_run is None:
                waiting.append(index)
                continue
            stem = deck.name if known.rung == AS_GIVEN else f"{deck.name}+{known.rung}"
            as_run.write(folder, stem)
            arrived(index, replace(known, name=deck.name))
        if not waiting:
            _tell(said, len(decks), folder)
            return [outcomes[index] for index in range(len(decks))]
        remove_left_runs(folder)
        settings = _Settings(here, timeout_s, tuple(ladder), keep == "raw")
        with _executor(jobs, scheduler) as parallel:
            crew = None if scheduler else _Crew(folder)
            work = (joblib.delayed(_job)(index, decks[index], settings, crew) for index in waiting)
            results = parallel(work)
            try:
                for done in results:
                    if crew is None:
                        done.unpack(folder)
                    if cache is not None and isinstance(done.outcome, Result):
                        cache.put(decks[done.index].key(here.version), done.outcome)
                    arrived(done.index, done.outcome)
            finally:
                if crew is not None:
                    crew.dismiss()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # joblib's advice about tasks that were ended on purpose
                    results.close()
    _tell(said, len(decks), folder)
    return [outcomes[index] for index in range(len(decks))]


def _tell(said: Mapping[str, Sequence[str]], runs: int, folder: Path) -> None:
    """Each message that is not known to be harmless once, with how many runs it came from."""
    for message, names in said.items():
        logger.warning(
            "ngspice in %d of %d runs: %s (%s)", len(names), runs, message, folder / f"{names[0]}.log"
        )


@dataclass(frozen=True, slots=True)
class _Settings:
    ngspice: Ngspice
    timeout_s: float
    ladder: tuple[Rung, ...]
    keep_raw: bool


class _Crew:
    """The runs in progress on this machine, so that they can be ended together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stop = threading.Event()
        self._running = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def dismiss(self) -> None:
        """End what runs, and wait until it is gone; no run starts afterwards."""
        self.stop.set()
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0, timeout=_DISMISS_S)


@dataclass(slots=True)
class _Done:
    """One deck's outcome, with the files to be written in the coordinator's folder when it ran elsewhere."""

    index: int
    outcome: Result | Failure
    files: dict[str, bytes]

    def unpack(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            write_if_changed(folder / name, content)
        if isinstance(self.outcome, Failure):
            self.outcome = replace(self.outcome, folder=folder)


def _job(index: int, deck: Deck, settings: _Settings, crew: _Crew | None) -> _Done:
    """Run one deck: in the coordinator's folder, or (on a cluster) in a temporary one."""
    if crew is not None:
        with crew:
            if crew.stop.is_set():
                raise Interrupted(f"{deck.name} was not started")
            return _Done(index, _outcome(deck, settings, crew.folder, crew.stop), {})
    there = find_ngspice()
    if there.version != settings.ngspice.version:
        raise SimulatorMissing(
            f"a worker has ngspice {there.version}, this machine {settings.ngspice.version}: "
            "install the same version on both"
        )
    with TemporaryDirectory(prefix="nonideal-") as temporary:
        folder = Path(temporary)
        outcome = _outcome(deck, replace(settings, ngspice=there, keep_raw=False), folder, Abandoned())
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".raw"}
    return _Done(index, outcome, files)


def _outcome(deck: Deck, settings: _Settings, folder: Path, stop: Stop) -> Result | Failure:
    try:
        return climb(
            deck,
            settings.ngspice,
            folder,
            settings.timeout_s,
            ladder=settings.ladder,
            keep_raw=settings.keep_raw,
            stop=stop,
        )
    except SimulationFailed as error:
        return Failure(deck.name, error.kind, error.message, error.attempts, folder, error.tail)


def _check_folder(decks: Sequence[Deck]) -> None:
    """Raise `BadDeck` where two decks would overwrite each other's files."""
    names: set[str] = set()
    includes: dict[str, tuple[str, str]] = {}
    for deck in decks:
        if deck.name in names:
            raise BadDeck(f"two decks are called {deck.name!r}; each needs a name of its own in the folder")
        names.add(deck.name)
        for file, content in deck.includes.items():
            owner, first = includes.setdefault(file, (deck.name, content))
            if first != content:
                raise BadDeck(
                    f"decks {owner} and {deck.name} include different contents as {file!r}; "
                    "name them apart (corner, seed)"
                )


def _as_run(deck: Deck, rung: str, ladder: Sequence[Rung]) -> Deck | None:
    """The deck as it ran on `rung`; None where the ladder has no such rung: the result is not ours."""
    if rung == AS_GIVEN:
        return deck
    return next((one.apply(deck) for one in ladder if one.name == rung), None)


@contextmanager
def _executor(jobs: int, scheduler: str | None) -> Iterator[joblib.Parallel]:
    """joblib's `Parallel` on threads, or on the cluster at `scheduler`."""
    if scheduler is None:
        yield joblib.Parallel(n_jobs=jobs, backend="threading", batch_size=1, return_as="generator_unordered")
        return
    with connected(scheduler) as client, joblib.parallel_config(backend="dask", client=client):
        yield joblib.Parallel(n_jobs=-1, batch_size=1, return_as="generator_unordered")
