"""Folders of signals as streams of crops; which crop a step sees is a function of the seed, nothing is trained here."""

from __future__ import annotations

import glob
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

import numpy as np

from inrfit import io
from inrfit.errors import ConfigError, InputError, require
from inrfit.io.config import ReadConfig
from inrfit.io.folders import listed
from inrfit.meta import views
from inrfit.meta.config import MetaConfig
from inrfit.meta.settings import check_kind
from inrfit.registry import every
from inrfit.signal import ArraySignal, Signal

Entry = Path | Signal
"""A file, or a signal that is there already."""

CROP = 0xC209
"""Told to the random numbers that choose crops, so that no others are the same."""

PROBED = 8
"""Signals that are looked at to decide on the number of channels."""

MOST_HELD_OUT = 32
"""Signals that are kept for validation at most."""

ELEMENT = 24
"""Bytes that a sample of a shape is taken to cost: its number, its distance and its share of the mesh."""


def find(
    inputs: Sequence[str | Path], kind: str | None, *, recursive: bool = False
) -> tuple[str, list[Path], list[str]]:
    """Return the kind of the signals in files and folders, the files of that kind, and what was noticed.

    Args:
        inputs: files, folders and globs.
        kind: of the registry; that of most files when None.
        recursive: look into folders within folders.

    Raises:
        ConfigError: there is no file of the kind, the kind is unknown or cannot be meta-trained, or a folder cannot be
            listed.
    """
    if kind is not None:
        ReadConfig(kind=kind)
        check_kind(kind)
    notes: list[str] = []
    files = [file for given in inputs for file in _listed(given, notes, recursive=recursive)]
    by_kind = Counter(found for file in files if (found := _kind(file, kind)) is not None)
    if not by_kind:
        where = ", ".join(map(str, inputs))
        raise ConfigError(
            f"{where}: there are no {kind or 'signal'} files",
            hint=None if recursive else "use -r to look into the folders within",
        )
    chosen = by_kind.most_common(1)[0][0]
    check_kind(chosen)
    kept = list(dict.fromkeys(file for file in files if _kind(file, kind) == chosen))
    others = sum(by_kind.values()) - by_kind[chosen]
    if others:
        notes.append(f"{others} files of other kinds are left out; --kind chooses another than {chosen}")
    return chosen, kept, notes


def split(entries: Sequence[Entry], share: float) -> tuple[list[Entry], list[Entry]]:
    """Return the signals to learn from and those held out, chosen by a hash of their names.

    At least one is held out and at most `MOST_HELD_OUT`, and none where there is one signal only or `share` is 0.
    """
    count = min(MOST_HELD_OUT, max(1, round(share * len(entries))), len(entries) - 1) if share else 0

    def order(number: int) -> tuple[str, int]:
        entry = entries[number]
        name = entry.name if isinstance(entry, Path) else str(number)
        return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest(), number

    held = set(sorted(range(len(entries)), key=order)[:count])
    return [e for n, e in enumerate(entries) if n not in held], [entries[n] for n in sorted(held)]


class Folder:
    """Signals of one kind and number of channels, read when a crop of them is wanted.

    Those that cannot be read, or are too small for a crop, are skipped: the next one in order takes their place.

    Args:
        entries: files and signals, at least one.
        read: how files are read; its kind is that of all.
        config: size and view of crops, and the seed.
        memory: bytes of decoded signals that are kept; those not used for longest go.
        channels: of every signal; that of most of the first few when None.
        on_skip: told once of each signal that is skipped: its name, and why.

    Attributes:
        skipped: name -> why, of signals that were skipped so far.
        notes: what was changed, in words for the user.

    Raises:
        InputError: no signal can be used.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        read: ReadConfig,
        config: MetaConfig,
        *,
        memory: int = 2 << 30,
        channels: int | None = None,
        on_skip: Callable[[str, str], None] = lambda name, reason: None,
    ) -> None:
        require(
            config.view == "crop" or read.kind == "image",
            f"--view {config.view} is for images, the signals are of the kind {read.kind}",
            hint="leave out --view",
        )
        self.entries, self.read, self.config = list(entries), read, config
        self.skipped: dict[str, str] = {}
        self.notes: list[str] = []
        self._memory, self._on_skip = memory, on_skip
        self._kept: OrderedDict[int, Signal] = OrderedDict()
        self._bytes = 0
        self._bad: set[int] = set()
        self._lock = Lock()
        self.channels = self._decide() if channels is None else channels

    def __len__(self) -> int:
        return len(self.entries)

    def crop(self, step: int, number: int) -> Signal:
        """Return a crop of an outer step, a function of the seed and these two numbers; shapes are returned whole.

        Raises:
            InputError: no signal can be used.
        """
        random = np.random.default_rng((self.config.seed, CROP, step, number))
        signal = self._from(int(random.integers(len(self.entries))))
        place, mirror = random.random(signal.domain.dimensions), random.random() < 0.5
        if not isinstance(signal, ArraySignal):
            return signal
        size = self.config.size
        start = [int(p * (n - size + 1)) for p, n in zip(place, signal.domain.shape, strict=True)]
        mirrored = mirror and self.config.augment and signal.domain.dimensions > 1
        return views.window(signal, start, size, mirrored=mirrored)

    def centres(self) -> list[Signal]:
        """Return the middle window of every signal that can be used, in order."""
        return list(self.named_centres().values())

    def named_centres(self) -> dict[str, Signal]:
        """Return the same by name: the path of a file, or the number of a signal."""
        found = ((index, self._signal(index)) for index in range(len(self.entries)))
        return {self.name(index): self._centre(signal) for index, signal in found if signal is not None}

    def name(self, index: int) -> str:
        """Return what messages call a signal."""
        entry = self.entries[index]
        return str(entry) if isinstance(entry, Path) else f"signal {index}"

    @property
    def bad(self) -> list[int]:
        """Numbers of the signals that were skipped so far."""
        return sorted(self._bad)

    def look_at(self, numbers: Sequence[int]) -> None:
        """Read signals that may have to be skipped, so that this is known and told."""
        for number in numbers:
            self._loaded(number)

    def identity(self) -> str:
        """Return a hash of the names and sizes of all files."""
        digest = hashlib.sha256()
        for entry in self.entries:
            if isinstance(entry, Path):
                size = entry.stat().st_size if entry.is_file() else -1
                digest.update(f"{entry.name}\0{size}\0".encode(errors="surrogateescape"))
            else:
                digest.update(repr((entry.domain, entry.channels, entry.info.sha256)).encode())
        return digest.hexdigest()

    def _centre(self, signal: Signal) -> Signal:
        if not isinstance(signal, ArraySignal):
            return signal
        size = self.config.size
        return views.window(signal, [(n - size) // 2 for n in signal.domain.shape], size)

    def _from(self, first: int) -> Signal:
        """Return the first signal that can be used, in order from a place on."""
        count = len(self.entries)
        for index in range(first, first + count):
            signal = self._signal(index % count)
            if signal is not None:
                return signal
        reasons = [f"{name}: {reason}" for name, reason in list(self.skipped.items())[:3]]
        raise InputError(
            f"none of the {count} signals can be used ({'; '.join(reasons)})",
            hint=f"give others, or a smaller --size than {self.config.size}",
        )

    def _decide(self) -> int:
        """Return the number of channels that most of a few signals have, transparency aside."""
        count = len(self.entries)
        places = dict.fromkeys(round(n * count / PROBED) for n in range(PROBED))
        self.channels = 0
        found = [signal for place in places if place < count if (signal := self._loaded(place)) is not None]
        counts = Counter(views.opaque(signal) for signal in found or [self._from(0)])
        chosen = max(counts, key=lambda channels: (counts[channels], channels))
        transparent = any(signal.channels != views.opaque(signal) for signal in found)
        if len(counts) > 1:
            self.notes.append(f"signals differ in channels; all are brought to {chosen}")
        rates = sorted({f"{signal.domain.per_unit:g}" for signal in found if signal.info.kind == "audio"})
        if len(rates) > 1:
            self.notes.append(
                f"sounds differ in sample rate ({', '.join(rates)} Hz); each is learned from as it is, none is resampled"
            )
        if transparent:
            self.notes.append("transparency is left out")
        self._kept.clear()
        self._bytes = 0
        return chosen

    def _signal(self, index: int) -> Signal | None:
        """Return a signal, from those kept or read; None for one that is skipped."""
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
        signal = self._loaded(index)
        if signal is None:
            return None
        size = signal.values.nbytes if isinstance(signal, ArraySignal) else ELEMENT * signal.domain.size
        with self._lock:
            if index not in self._kept and size <= self._memory:
                self._kept[index] = signal
                self._bytes += size
            while self._bytes > self._memory:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= (
                    gone.values.nbytes if isinstance(gone, ArraySignal) else ELEMENT * gone.domain.size
                )
        return signal

    def _loaded(self, index: int) -> Signal | None:
        """Read a signal and prepare it; None for one that is skipped."""
        if index in self._bad:
            return None
        entry = self.entries[index]
        name = self.name(index)
        try:
            return self._prepared(io.read(entry, self.read) if isinstance(entry, Path) else entry)
        except InputError as error:
            reason = error.message.removeprefix(f"{name}: ")
        except (OSError, ValueError, MemoryError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
        with self._lock:
            told = index in self._bad
            self._bad.add(index)
            self.skipped[name] = reason
        if not told:
            self._on_skip(name, reason)
        return None

    def _prepared(self, signal: Signal) -> Signal:
        """Return a signal with the channels of all, scaled where it is seen whole.

        Raises:
            InputError: it is of another kind, too small, or its channels do not fit.
        """
        if signal.info.kind != self.read.kind:
            raise InputError(f"is of the kind {signal.info.kind}, the others are of {self.read.kind}")
        if not isinstance(signal, ArraySignal):
            return signal
        size = self.config.size
        if min(signal.domain.shape) < size:
            shape = "x".join(map(str, signal.domain.shape))
            raise InputError(f"has {shape} samples, fewer than --size {size} along an axis")
        if self.channels:
            signal = views.with_channels(signal, self.channels)
        return views.scaled(signal, size) if self.config.view == "whole" else signal


def _listed(given: str | Path, notes: list[str], *, recursive: bool) -> list[Path]:
    """Return the files that an input stands for, in order; note what cannot be listed."""
    path = Path(given)
    try:
        if path.is_dir():
            found, refused = listed(path, recursive=recursive)
            if refused and refused[0][0] == path:
                raise ConfigError(f"{path} cannot be listed ({refused[0][1]})", hint="check its permissions")
            notes += [f"{p}: cannot be listed ({why}); what is in it is left out" for p, why in refused]
            return [p for p in found if not _hidden(p.relative_to(path))]
        if not path.exists() and glob.has_magic(str(given)):
            matches = glob.glob(str(given), recursive=True)  # noqa: PTH207 (absolute patterns)
            return sorted(p for p in map(Path, matches) if p.is_file())
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be listed ({error.strerror})", hint="check its permissions"
        ) from None
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder", hint="check the spelling")
    return [path]


def _hidden(path: Path) -> bool:
    """Return whether a file, or a folder that it is in, is hidden, such as thumbnails and what a system leaves behind."""
    return any(part.startswith(".") for part in path.parts)


def _kind(file: Path, wanted: str | None) -> str | None:
    """Return the kind of a file by its suffix; None for one that is no signal, or not of the kind wanted."""
    kinds = every("signal") if wanted is None else (wanted,)
    return next((kind for kind in kinds if file.suffix.lower() in io.kind_of(kind).suffixes), None)
