"""Many decks at once, on this machine or on a Dask cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import joblib
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .cache import Cache
from .deck import Deck
from .errors import BadDeck, SchedulerUnavailable, SimulationFailed, SimulatorMissing
from .files import write_whole
from .ladder import LADDER, Rung, climb
from .ngspice import Ngspice, find_ngspice
from .result import AS_GIVEN, Failure, Result

Keep = Literal["decks", "raw"]
Advance = Callable[[int, int], None]
"""Called with (done, total)."""

_CONNECT_S: Final = 5


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

    def arrived(index: int, outcome: Result | Failure) -> None:
        outcomes[index] = outcome
        if on_done is not None:
            on_done(index, outcome)
        advance(len(outcomes), len(decks))

    with _bar(progress, len(decks)) as advance:
        waiting = []
        for index, deck in enumerate(decks):
            known = None if cache is None else cache.get(deck.key(here.version))
            if known is None:
                waiting.append(index)
                continue
            _write_as_run(deck, known, folder, ladder)
            arrived(index, replace(known, name=deck.name))
        settings = _Settings(here, timeout_s, tuple(ladder), keep == "raw")
        with _executor(jobs, scheduler) as parallel:
            stop = threading.Event()
            local = None if scheduler else (folder, stop)
            work = (joblib.delayed(_job)(index, decks[index], settings, local) for index in waiting)
            try:
                for done in parallel(work) if waiting else ():
                    if local is None:
                        done.unpack(folder)
                    if cache is not None and isinstance(done.outcome, Result):
                        cache.put(decks[done.index].key(here.version), done.outcome)
                    arrived(done.index, done.outcome)
            finally:
                stop.set()
    return [outcomes[index] for index in range(len(decks))]


@dataclass(frozen=True, slots=True)
class _Settings:
    ngspice: Ngspice
    timeout_s: float
    ladder: tuple[Rung, ...]
    keep_raw: bool


@dataclass(slots=True)
class _Done:
    """One deck's outcome, with the files to be written in the coordinator's folder when it ran elsewhere."""

    index: int
    outcome: Result | Failure
    files: dict[str, bytes]

    def unpack(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            write_whole(folder / name, content)
        if isinstance(self.outcome, Failure):
            self.outcome = replace(self.outcome, folder=folder)


def _job(index: int, deck: Deck, settings: _Settings, local: tuple[Path, threading.Event] | None) -> _Done:
    """Run one deck: in the coordinator's folder, or (on a cluster) in a temporary one."""
    if local is not None:
        folder, stop = local
        return _Done(index, _outcome(deck, settings, folder, stop), {})
    there = find_ngspice()
    if there.version != settings.ngspice.version:
        raise SimulatorMissing(
            f"a worker has ngspice {there.version}, this machine {settings.ngspice.version}: "
            "install the same version on both"
        )
    with TemporaryDirectory(prefix="nonideal-") as temporary:
        folder = Path(temporary)
        outcome = _outcome(deck, replace(settings, ngspice=there, keep_raw=False), folder, None)
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".raw"}
    return _Done(index, outcome, files)


def _outcome(deck: Deck, settings: _Settings, folder: Path, stop: threading.Event | None) -> Result | Failure:
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


def _write_as_run(deck: Deck, known: Result, folder: Path, ladder: Sequence[Rung]) -> None:
    """Put the deck that gave a cached result into `folder`."""
    if known.rung == AS_GIVEN:
        deck.write(folder)
        return
    for rung in ladder:
        if rung.name == known.rung:
            rung.apply(deck).write(folder, f"{deck.name}+{rung.name}")
            return
    deck.write(folder)


@contextmanager
def _executor(jobs: int, scheduler: str | None) -> Iterator[joblib.Parallel]:
    """joblib's `Parallel` on threads, or on the cluster at `scheduler`."""
    if scheduler is None:
        yield joblib.Parallel(n_jobs=jobs, backend="threading", batch_size=1, return_as="generator_unordered")
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise SchedulerUnavailable(
            f"scheduler {scheduler}: Dask is not installed; pip install 'nonideal[cluster]'"
        ) from error
    try:
        client = Client(scheduler, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise SchedulerUnavailable(
            f"scheduler {scheduler}: no answer within {_CONNECT_S} s ({error}); "
            "start one with `dask scheduler` and workers with `dask worker ADDRESS`"
        ) from error
    with client:
        if not client.ncores():
            raise SchedulerUnavailable(
                f"scheduler {scheduler}: it has no workers; start some: dask worker {scheduler}"
            )
        with joblib.parallel_config(backend="dask", client=client):
            yield joblib.Parallel(n_jobs=-1, batch_size=1, return_as="generator_unordered")


@contextmanager
def _bar(progress: bool | Advance, total: int) -> Iterator[Advance]:
    if callable(progress):
        yield progress
        return
    bar: AbstractContextManager[Any] = nullcontext()
    if progress:
        bar = Progress(
            TextColumn("ngspice"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True
        )
    with bar as shown:
        task = None if shown is None else shown.add_task("ngspice", total=total)

        def advance(done: int, _total: int) -> None:
            if shown is not None:
                shown.update(task, completed=done)

        yield advance
