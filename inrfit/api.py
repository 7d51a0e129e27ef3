"""What the command line and the README call: one function per verb, in the words of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from inrfit import io
from inrfit.codec import excerpt
from inrfit.codec.chunks import EXIF, ICC, stored_size
from inrfit.codec.container import Reader
from inrfit.codec.origin import Find, Origin
from inrfit.codec.source import Source as FileSource
from inrfit.device import Device, pick_device
from inrfit.errors import ConfigError, FitError, InputError, OutputError, require
from inrfit.field import Field
from inrfit.fitting.plan import Plan, check_many
from inrfit.fitting.settings import DIVISION, FIT, Settings, divides, settings
from inrfit.io.config import ReadConfig
from inrfit.partitions import Partition, build
from inrfit.render.output import Output
from inrfit.signal import Bands, Signal

if TYPE_CHECKING:
    from inrfit.edit.extend import Extension
    from inrfit.edit.keep import Keep
    from inrfit.fitting.checkpoint import Checkpoint
    from inrfit.fitting.progress import Progress
    from inrfit.meta.adapt import Adaptation
    from inrfit.meta.init import Init
    from inrfit.options import AdaptWords, ExtendWords, FitWords, PartitionWords, TrainWords
    from inrfit.render.output import Slices

Source = str | Path | bytes | NDArray[Any] | Signal
"""A signal, or what one is read from: a path, the bytes of a file, or an array, which is an image unless a kind is named."""


def read(source: Source, config: ReadConfig | None = None, *, name: str | None = None) -> Signal:
    """Read a signal.

    Args:
        source: a path, the bytes of a file, an array, or a signal. An array is an image [height, width] or [height,
            width, channel] unless the kind says otherwise: "audio" takes [time] or [time, channel], "video" [time,
            height, width] or with channels, "volume" [z, y, x] or with channels.
        config: its kind and how it is read; the suffix and the content decide when None.
        name: what to call it in messages when it has no path.

    Raises:
        InputError: it cannot be read; the message says why.
    """
    if isinstance(source, str | Path | bytes | np.ndarray):
        return io.read(source, config, name=name)
    if isinstance(source, Signal):
        return source
    raise InputError(f"cannot read a signal from {type(source).__name__}", hint="give a path or an array")


def reading(field: Field) -> ReadConfig:
    """Return how a file must be read to be compared with a field, or to be put beside it."""
    return io.kind_of(field.info.kind).reading(field.domain, field.info)


def partition(source: Source, **words: Unpack[PartitionWords]) -> Partition:
    """Divide a signal into regions.

    Args:
        source: what to divide.
        words: those of `fit` that say how a signal is read and divided.

    Raises:
        InputError, ConfigError: the source or an option cannot work.
    """
    signal, wanted = _read(source, None, DIVISION.taken(words))
    return build(signal, wanted.partition)


def plan(
    source: Source, *, device: str = "auto", name: str | None = None, **options: Unpack[FitWords]
) -> Plan:
    """Read a signal and decide how it will be fitted, without fitting it.

    Raises:
        InputError, ConfigError, DeviceError: the source, an option or the device cannot work.
    """
    from inrfit.fitting.run import decide

    signal, wanted = _read(source, name, options)
    return decide(signal, wanted, pick_device(device, wanted.fit.threads), divided=divides(options))


def _read(source: Source, name: str | None, given: Mapping[str, Any]) -> tuple[Signal, Settings]:
    """Return a signal, and the settings of its fit: those of its kind where the words leave them open.

    Raises:
        InputError, ConfigError: the source or an option cannot work, or an option is for another kind of signal.
    """
    said = FIT.taken(given)
    signal = read(source, settings(**said).read, name=name)
    kind = io.kind_of(signal.info.kind)
    for word in said:
        require(
            not FIT[word].word.by_kind or word in kind.words,
            f"{FIT[word].option} means nothing for a signal of the kind {kind.kind}",
            hint="leave it out, or name another kind with --kind",
        )
    return signal, settings(kind.defaults_for(signal), **{**said, "kind": kind.kind})


def run(plan: Plan, *, progress: Progress | None = None, resume: Checkpoint | None = None) -> Field:
    """Carry out what was planned; see `Plan.run`."""
    return plan.run(progress, resume)


def run_many(plans: Sequence[Plan], *, progress: Progress | None = None) -> list[Field | FitError]:
    """Fit what was planned, those that have shape, model and options in common at once; see `fit_many`."""
    from inrfit.fitting.run import run_many as carry_out

    return carry_out(plans, progress)


def fit_many(
    sources: Sequence[Source],
    *,
    device: str = "auto",
    progress: Progress | None = None,
    **options: Unpack[FitWords],
) -> list[Field | FitError]:
    """Fit a neural field to each of many small signals, at once where they have one shape.

    Each has its own weights, optimiser state and stopping, and gets the field that `fit` would give it.

    Args:
        sources: signals, or what they are read from, as for `fit`.
        device, progress, options: as for `fit`, without `points` and `max_time`.

    Returns:
        In the order of the sources, a field, or the error of a fit that diverged.

    Raises:
        InputError, ConfigError, DeviceError: a source, an option or the device cannot work.
    """
    check_many(settings(**options).fit)
    return run_many([plan(source, device=device, **options) for source in sources], progress=progress)


def fit(
    source: Source,
    *,
    device: str = "auto",
    progress: Progress | None = None,
    **options: Unpack[FitWords],
) -> Field:
    """Fit a neural field to a signal.

    Args:
        source: a path, the bytes of a file, an array, or a signal; see `read`. An image is of type uint8, uint16 or
            float; of other kinds integers up to 32 bit are taken too.
        device: "auto", "cpu", "cuda" or "cuda:<number>".
        progress: hooks that are told of every step.
        options: the words of the command line, for example `partition="seg", heads=4, steps=500`.

    Returns:
        The field; its `psnr` is that of its decoded samples with the weights as a file keeps them.

    Raises:
        InputError, ConfigError, DeviceError: the source, an option or the device cannot work.
        FitError: the fit diverged.
    """
    return run(plan(source, device=device, **options), progress=progress)


def plan_adaptation(
    source: Source,
    init: Init | str | Path,
    *,
    device: str = "auto",
    name: str | None = None,
    **options: Unpack[AdaptWords],
) -> Adaptation:
    """Read a signal and decide how an init will be adapted to it, without doing so; see `adapt`.

    Args:
        source, init, device, options: as for `adapt`.
        name: what to call the signal in messages when it has no path.
    """
    from inrfit.meta import adapt
    from inrfit.meta.init import Init
    from inrfit.meta.init import read as read_init
    from inrfit.meta.settings import ADAPT, adapt_settings

    config = adapt_settings(**options)
    begin = init if isinstance(init, Init) else read_init(init)
    kind = io.kind_of(begin.kind)
    for word in config.given:
        require(
            not ADAPT[word].word.by_kind or word in kind.words,
            f"{ADAPT[word].option} means nothing for the kind {kind.kind} that the init was learned from",
            hint="leave it out",
        )
    if begin.kind == "shape" and config.read.target != begin.target:
        require(
            "target" not in config.given,
            f"--target {config.read.target} is not what the init was learned from, which is {begin.target}",
            hint=f"leave it out, or train an init with meta-train --target {config.read.target}",
        )
        config = replace(config, read=replace(config.read, target=begin.target))
    told = name or (str(source) if isinstance(source, str | Path) else "the signal")
    listed = Path(told).suffix.lower() in kind.suffixes
    usual = kind.kind if listed or isinstance(source, np.ndarray) else None
    signal = read(source, replace(config.read, kind=usual), name=name)
    picked = pick_device(device, config.fit.threads)
    return adapt.plan(signal, told, begin, config, picked, reference=config.reference)


def adapt(
    source: Source,
    init: Init | str | Path,
    *,
    device: str = "auto",
    progress: Progress | None = None,
    **options: Unpack[AdaptWords],
) -> Field:
    """Turn an init into the field of a signal in a few steps.

    >>> save(adapt("photo.png", "init.safetensors", steps=3), "photo.inr")  # doctest: +SKIP

    Args:
        source: a signal of the kind, the channels and the axes that the init was learned from, of any size; as for `fit`.
        init: an init, or its file.
        device: where it runs.
        progress: hooks that are told of every step.
        options: `steps` (as many as were trained when None; 0 gives the start itself), `reference_init` (its file keeps
            only what the regions adapted, and is read with the init beside it), the others of `AdaptConfig`, and of the
            words of `fit` those that say how the signal is read, divided and fitted. The division is that of the init
            where nothing else is said.

    Returns:
        The field, as for `fit`.

    Raises:
        InputError: the source or the init cannot be read, or they do not go together. ConfigError, DeviceError: an
            option or the device cannot work. FitError: the adaptation diverged.
    """
    plan = plan_adaptation(source, init, device=device, **options)
    return plan.run(progress)


def to_bytes(field: Field) -> bytes:
    """Return the bytes of the `.inr` file that holds a field."""
    from inrfit.codec.write import dumps

    return dumps(field)


def save(field: Field, path: str | Path, *, overwrite: bool = False) -> int:
    """Write a field to a `.inr` file and return its size in bytes.

    Raises:
        OutputError: the file exists and `overwrite` is False, or it cannot be written; nothing is left behind.
    """
    from inrfit.io.files import atomic_write

    data = to_bytes(field)
    atomic_write(Path(path), data, overwrite=overwrite)
    return len(data)


def verify(data: bytes, signal: Signal, device: Device, *, init: Init | str | Path | None = None) -> Field:
    """Return the field that the bytes of a file hold, with its errors measured anew against the signal.

    Args:
        data: the bytes.
        signal, device: as for `run`.
        init: as for `load`.

    Every quality number inrfit prints comes from here: from the bytes that are written, decoded.
    """
    from inrfit.fitting.measure import with_errors

    return with_errors(load(data, init=init), signal, device)


def load(source: FileSource, *, partial: bool = False, init: Init | str | Path | None = None) -> Field:
    """Read a field from a `.inr` file.

    Args:
        source: the file.
        partial: leave out damaged regions, which `info` names; without it they are an error.
        init: the init, or its file, of a file that keeps only what its regions adapted; files beside it are looked at
            when None.

    Raises:
        InputError: there is no such file, or the init is another one. ContainerError: it is damaged or not a `.inr`
            file, or its init is not there.
    """
    return excerpt.read(source, partial=partial, find=finder(source, init)).field


def finder(source: FileSource, init: Init | str | Path | None) -> Find:
    """Return what finds the init of a file where it needs one; nothing is imported for files that do not."""

    def find(wanted: str) -> Origin | None:
        from inrfit.meta import origin

        return origin.find(source, init, wanted)

    return find


def decode(
    source: FileSource | Field,
    output: str | Path | None = None,
    *,
    size: Sequence[int] | None = None,
    scale: float | None = None,
    region: Slices | None = None,
    fill: float | Sequence[float] | None = None,
    blend: int = 0,
    partial: bool = False,
    metadata: bool = True,
    init: Init | str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    precision: str = "float32",
    overwrite: bool = False,
) -> NDArray[np.generic]:
    """Decode a field to native samples [*shape, channel], and write them to `output` when it is given.

    Of a file, only the front matter and the regions that `region` shows are read. Samples that no region covers, as
    in a crop with holes, are `fill`; in an output without `fill` they are what the kind of signal takes for nothing, such
    as silence: of an image transparent, or white where its format has no transparency.

    Args:
        source: a field or a `.inr` file.
        output: file to write; its suffix picks the format.
        size, scale, region, fill, blend, device, threads, precision: see `Field.decode`.
        partial, init: see `load`.
        metadata: write the EXIF block and the tags of the source, where `output` can hold them.
        overwrite: replace an existing output.
    """
    from inrfit.edit.soundtrack import heard

    shown = Output(size=size, scale=scale, region=region, fill=fill, blend=blend)
    if isinstance(source, Field):
        field = source
    else:
        field = excerpt.read(source, shown, partial=partial, find=finder(source, init)).field
    picked = pick_device(device, threads, precision)
    made = field.bands(shown, picked)
    values = made.array()
    if output is not None:
        target, written = Path(output), values
        info = field.info if metadata else field.info.without_metadata()
        if fill is None and io.kind_of(info.kind).shows_holes:
            written, info, _ = io.with_holes(values, info, field.covered(shown), target.suffix)
        shown_as = heard(Bands.of(written, made.domain, info), picked)
        io.write(shown_as, target, overwrite=overwrite)
    return values


@overload
def crop(
    source: FileSource,
    output: None = None,
    *,
    keep: Keep | None = None,
    region: Slices | None = None,
    snap: str = "out",
    overwrite: bool = False,
) -> bytes: ...


@overload
def crop(
    source: FileSource,
    output: str | Path,
    *,
    keep: Keep | None = None,
    region: Slices | None = None,
    snap: str = "out",
    overwrite: bool = False,
) -> int: ...


def crop(
    source: FileSource,
    output: str | Path | None = None,
    *,
    keep: Keep | None = None,
    region: Slices | None = None,
    snap: str = "out",
    overwrite: bool = False,
) -> bytes | int:
    """Make a smaller `.inr` file of some regions of another, without decoding or fitting.

    The regions kept are copied byte for byte and decode to the same samples as before; the file has the bytes of
    its front matter and of those regions. Its samples span the box around the regions kept; what lies between them
    is empty. Where regions go, the hash of the source and the tags of the EXIF block that could tell of them go too.

    >>> crop("photo.inr", "corner.inr", keep="0:2,0:2")  # doctest: +SKIP

    Args:
        source: the file. Of its regions only those kept are read, so that others may be damaged or cut off.
        output: file to write, region by region; None to get the bytes.
        keep: cells of a grid, slowest axis first, as "0:8,:4" or (slice(0, 8), slice(4)); those of one range of time
            as "1.5s:3s"; ids of segments, as "1,3" or
            (1, 3). Ranges and numbers mean what they do in Python and count from 0 at the first cell of this
            file; segments go by their ids, which stay the same. Of a list of strings the union is kept.
        region: in place of `keep`, samples of this file, slowest axis first, as ((0, 64), (32, None)); see `decode`.
        snap: regions that the border of `region` cuts are kept ("out"), dropped ("in") or an error ("error").
        overwrite: replace an existing output.

    Returns:
        The bytes of the file, or their number where `output` is given.

    Raises:
        InputError: there is no such file. ContainerError: it is damaged before its first region or in one that is
            kept. ConfigError: what to keep is not said, or is not there. OutputError: see `save`.
    """
    from inrfit.edit.crop import plan as plan_crop
    from inrfit.edit.keep import selection
    from inrfit.io.files import atomic_write_blocks

    wanted = selection(keep, region, snap)
    with Reader(source, allow_truncated=True) as reader:
        cut = plan_crop(reader, wanted)
        if output is None:
            return b"".join(cut.blocks())
        atomic_write_blocks(Path(output), cut.blocks(), overwrite=overwrite)
        return cut.size


def plan_extension(
    source: FileSource | Field,
    new: Source,
    *,
    side: str,
    mode: str = "strict",
    device: str = "auto",
    name: str | None = None,
    init: Init | str | Path | None = None,
    **options: Unpack[ExtendWords],
) -> Extension:
    """Decide how a field will be extended, without fitting; see `extend`.

    Args:
        source, new, side, mode, device, init, options: as for `extend`.
        name: what to call the new part in messages when it has no path.
    """
    from inrfit.edit.config import configured
    from inrfit.edit.extend import plan as decide

    config = configured(options)
    old = source if isinstance(source, Field) else load(source, init=init)
    kind = io.kind_of(old.info.kind)
    require(
        kind.extends,
        f"a field of the kind {kind.kind} cannot be extended: nothing tells where on its lattice a new part would lie",
        hint="join the meshes and fit the whole",
    )
    picked = pick_device(device, config.threads)
    part = read(new, reading(old), name=name)
    return decide(old, part, side=side, mode=mode, config=config, device=picked)


def extend(
    source: FileSource | Field,
    new: Source,
    *,
    side: str,
    mode: str = "strict",
    device: str = "auto",
    progress: Progress | None = None,
    init: Init | str | Path | None = None,
    **options: Unpack[ExtendWords],
) -> Field:
    """Add a part to a field: new regions beside those it has, which keep their weights.

    The new part is divided as the old one is, and only its regions are fitted. It gets the next indices of its axis,
    negative ones on the left and at the top, so that nothing moves. Samples that were cropped away stay away. The hash
    of the source goes, and so do tags of the EXIF block and a sound track that tell of the old part alone.

    >>> save(extend("left.inr", "right.png", side="right"), "both.inr")  # doctest: +SKIP

    Args:
        source: the field or its file.
        new: the part to add, with the field's channels, sample type and extent on the other axes.
        side: "left", "right", "top", "bottom"; "before" or "after" on an axis of time, "front" or "back" on that of
            the planes of a volume.
        mode: "strict" keeps the shared weights, and the old part decodes to the same bits. "joint" tunes them too:
            the old part changes by an error at least 16 dB below the one it has.
        device: where it is fitted.
        progress: hooks that are told of every step.
        init: see `load`; the file of the field with both parts keeps its weights whole.
        options: `steps`, `lr`, `overlap`, `seed`, `threads` and `memory` as for `fit`.

    Returns:
        The field with both parts. Its PSNR is that of both by area; for the old part it goes by what the file states.

    Raises:
        InputError: the new part cannot be read or does not fit to the field. ConfigError: the side, the mode or an
            option is not known. ContainerError, FitError: see `load` and `fit`.
    """
    plan = plan_extension(source, new, side=side, mode=mode, device=device, init=init, **options)
    return plan.run(progress)


def meta_eval(
    sources: Sequence[Source],
    init: Init | str | Path,
    *,
    steps: int = 10,
    optimiser: str = "learned",
    lr: float | None = None,
    tune: Sequence[Source] | None = None,
    size: int | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> dict[str, Any]:
    """Measure an init on held-out signals; of each the middle is taken, as wide as the init's crops.

    Args:
        sources: the signals; what cannot be read, or does not suit the init, is skipped and told.
        init: what was learned, or its file.
        steps: steps on each signal.
        optimiser: "learned" (steps and rates of the init), "sgd" or "adam".
        lr: rate of "sgd" or "adam"; when None, the best of a few on other signals than those measured.
        tune: those others; a part of `sources`, which is then not measured, when None.
        size: samples along each axis of what is taken; that of the init when None.
        device: where it runs.
        threads: on the CPU; one per core when None.

    Returns:
        "step_psnr" (dB before the first and after every step, the mean over signals), "psnr" (the last of them),
        "optimiser", "lr", "tuned_on", "method", "hash", "signals" and "skipped".

    Raises:
        InputError: the init cannot be read. ConfigError: too few signals are left, or an option cannot work.
    """
    from inrfit.meta import held_out
    from inrfit.meta import init as inits

    held_out.check(steps, optimiser, lr, tuned=tune is not None)
    learned = init if isinstance(init, inits.Init) else inits.read(init)
    skipped: list[dict[str, str]] = []

    def windows(given: Sequence[Source]) -> dict[str, Signal]:
        entries = [
            Path(one) if isinstance(one, str | Path) else read(one, ReadConfig(kind=learned.kind))
            for one in given
        ]
        return held_out.windows(
            learned,
            entries,
            size=size,
            on_skip=lambda name, reason: skipped.append({"input": name, "reason": reason}),
        )

    signals = windows(sources)
    if not signals and skipped:
        raise ConfigError(
            f"there are no signals to measure, the first is left out: {skipped[0]['input']}: {skipped[0]['reason']}",
            hint=f"give signals of the kind {learned.kind} like those that the init was learned from",
        )
    found = held_out.measure(
        learned,
        signals,
        steps,
        pick_device(device, threads),
        optimiser=optimiser,
        lr=lr,
        tune=None if tune is None else windows(tune),
    )
    return {
        "method": learned.config.method,
        "hash": learned.hash,
        "optimiser": found.optimiser,
        "lr": found.lr,
        "tuned_on": list(found.tuned_on),
        "step_psnr": list(found.psnr),
        "psnr": found.psnr[-1],
        "signals": len(found.signals),
        "skipped": skipped,
    }


def interpolate(fields: Sequence[Field], shares: Sequence[float]) -> Field:
    """Return the field whose weights are a linear mix of those of others, as adapted to from one init.

    >>> interpolate([cat, dog], [0.5, 0.5])  # doctest: +SKIP

    Args:
        fields: of one model, partition, number of channels and size.
        shares: what each counts, together 1.

    Raises:
        ConfigError: the fields are not alike, or the shares do not add up to 1.
    """
    from inrfit.edit import interpolate as mixing

    return mixing.interpolate(fields, shares)


def info(source: FileSource) -> dict[str, Any]:
    """Return what a `.inr` file holds, as plain values, without decoding it or importing torch.

    Raises:
        InputError: there is no such file. ContainerError: its front matter is damaged. Damaged regions are no
            error: they are listed under "damaged".
    """
    from inrfit.codec.summary import summary

    with Reader(source) as reader:
        return summary(reader)


def meta_train(
    inputs: str | Path | Sequence[Source],
    output: str | Path | None = None,
    *,
    val: str | Path | Sequence[Source] = (),
    base: Init | str | Path | None = None,
    recursive: bool = False,
    device: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
    on_skip: Callable[[str, str], None] = lambda name, reason: None,
    **words: Unpack[TrainWords],
) -> Init:
    """Learn from many signals an init that is adapted to a new one in a few steps.

    >>> meta_train("photos", "init.safetensors", size=64, steps=1000)  # doctest: +SKIP

    Args:
        inputs: a folder, or files, folders, globs, arrays and signals of one kind.
        output: file to write.
        val: signals for validation; a share of the inputs when there are none.
        base: the init that another is made from, for methods that are ("matched", "shuffled").
        recursive: look into folders within folders.
        device: "auto", "cpu", "cuda" or "cuda:<number>".
        overwrite: replace an existing output.
        progress: hooks that are told of every step with a `MetaEvent`.
        on_skip: told once of each signal that cannot be used: its name, and why.
        words: the words of the command line, such as `method="maml", steps=1000, size=64, grid=(2, 2)`.

    Returns:
        The init with the numbers that did best on the held-out signals.

    Raises:
        InputError, ConfigError, DeviceError: the inputs, a word or the device cannot work.
        FitError: it diverged. OutputError: the output exists, or it cannot be written.
    """
    from inrfit.io.files import write
    from inrfit.meta import init as inits
    from inrfit.meta.plan import plan as plan_training
    from inrfit.meta.train import train

    kind = words.get("kind")

    def entries(given: str | Path | Sequence[Source]) -> list[str | Path | Signal]:
        several = [given] if isinstance(given, str | Path) else list(given)
        return [one if isinstance(one, str | Path) else read(one, ReadConfig(kind=kind)) for one in several]

    made_from = inits.read(base) if isinstance(base, str | Path) else base
    if output is not None and Path(output).exists() and not overwrite:
        raise OutputError(f"{output}: exists already", hint="give overwrite=True, or name another file")
    training = plan_training(
        entries(inputs),
        words,
        val=entries(val),
        base=made_from,
        recursive=recursive,
        device=device,
        on_skip=on_skip,
    )
    made = train(training, progress)
    if output is not None and training.ranks.leads:
        where = write(Path(output), (made.data,), taken="replace" if overwrite else "beside")
        if where != Path(output):
            raise OutputError(f"{output}: exists by now; the init is in {where}", hint="rename one of them")
    return made


def evaluate(
    source: FileSource | Field,
    reference: Source,
    *,
    metrics: Sequence[str] | None = None,
    against: Sequence[str] = (),
    init: Init | str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> dict[str, Any]:
    """Compare a decoded field with its reference.

    Samples that no region covers, as in a crop with holes, are not counted; SSIM, MS-SSIM and LSD, which look at
    neighbours, take them for equal.

    Args:
        source: a field or a `.inr` file.
        reference: the signal it should give back, of the same size, channels and sample type.
        metrics: names of the registry that are defined for the kind of signal; its usual ones when None.
        against: codecs that make files of the same picture, of 8 bits: "jpeg", "webp", "avif".
        init: see `load`.
        device, threads: where the decode runs.

    Returns:
        The metrics by name (None where one is not defined, for example MS-SSIM of a small image), "mse" with values
        on [0, 1], "range" (of the samples: the peak of "psnr"), "psnr_type" (with that of their type), "border_error",
        "region_psnr", "params", "samples", and "bytes", "bpp" and "parts" of the
        file, or of the file that a field given as an object would make (see `metrics.bits.parts`); of a clip also
        "frame_psnr" and "frame_ssim", one value for each frame. "against": by codec, its largest file of no more bytes
        and its smallest of no lower PSNR (see `compare.rivals.Rivals.beside`),
        where "set_aside", the bytes of its profile and its EXIF block, is not counted, as theirs have none.

    Raises:
        InputError: the sizes, channels or sample types differ, or the signal is no picture that codecs take.
        ConfigError: a metric or codec is not known, not defined for the kind of signal, or not there.
    """
    from inrfit.compare import rivals

    names = _codecs(against)
    field = _opened(source, init)
    original = read(reference, reading(field))
    others = rivals.of(field, original, names) if names else None
    found = _measured(source, field, original, metrics, device, threads)
    return {
        **found,
        "against": others.beside(found["bytes"] - found["set_aside"], _psnr(found)) if others else {},
    }


def rate_distortion(
    sources: Sequence[FileSource | Field],
    reference: Source,
    *,
    against: Sequence[str],
    metrics: Sequence[str] | None = None,
    init: Init | str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> dict[str, Any]:
    """Compare several files of one picture, of different sizes, with the curves of other codecs.

    >>> found = rate_distortion(["a.inr", "b.inr", "c.inr", "d.inr"], "photo.png", against=["jpeg"])  # doctest: +SKIP
    >>> found["bd"]["jpeg"]["rate"]  # percent; below 0 the files take fewer bytes  # doctest: +SKIP

    Args:
        sources: fields or `.inr` files; four at least for a BD-rate.
        reference: the picture that all of them should give back.
        against, metrics, init, device, threads: as for `evaluate`.

    Returns:
        "files": what `evaluate` returns of each; "curves": by codec, the "quality", "bytes" and "psnr" of its points;
        "bd": by codec, BD-rate and BD-PSNR (see `compare.rivals.Rivals.bd`).

    Raises:
        InputError, ConfigError: as for `evaluate`, or no codec is named, or the files are not all of one part.
    """
    from dataclasses import asdict

    from inrfit.compare import rivals

    names = _codecs(against)
    require(bool(names and sources), "there are no files, or no codec to compare them with", hint="name some")
    fields = [_opened(source, init) for source in sources]
    first = fields[0]
    for field in fields:
        if field.domain.box != first.domain.box:
            raise InputError(
                f"the files are of different parts of the picture: {first.domain.box} and {field.domain.box}",
                hint="give files of one part",
            )
    original = read(reference, reading(first))
    others = rivals.of(first, original, names)
    files, points = [], []
    for source, field in zip(sources, fields, strict=True):
        found = _measured(source, field, original, metrics, device, threads)
        points.append((found["bytes"] - found["set_aside"], _psnr(found)))
        files.append({**found, "against": others.beside(*points[-1])})
    return {
        "files": files,
        "curves": {name: [asdict(point) for point in curve] for name, curve in others.curves().items()},
        "bd": others.bd(points),
    }


def _codecs(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of picture codecs, each once.

    Raises:
        ConfigError: one is not known, or this Pillow was built without it.
    """
    from inrfit.compare.pictures import codec
    from inrfit.registry import check

    for name in names:
        codec(check("picture-codec", name, option="--against"))
    return tuple(dict.fromkeys(names))


def _psnr(found: dict[str, Any]) -> float:
    """Return the PSNR in dB of what was measured as other codecs are measured, with the peak of the sample type."""
    return found["psnr_type"]


def _opened(source: FileSource | Field, init: Init | str | Path | None) -> Field:
    """Return a field, or that of a file; errors as for `load`."""
    return source if isinstance(source, Field) else load(source, init=init)


def _measured(
    source: FileSource | Field,
    field: Field,
    original: Signal,
    metrics: Sequence[str] | None,
    device: str,
    threads: int | None,
) -> dict[str, Any]:
    """Return what `evaluate` does of a file by itself."""
    from inrfit.compare.comparison import compare
    from inrfit.metrics.bits import bpp, parts

    wanted = io.kind_of(field.info.kind).metrics if metrics is None else metrics
    found = compare(field, original, wanted, pick_device(device, threads))
    with Reader(to_bytes(source) if isinstance(source, Field) else source) as reader:
        size, sizes = reader.size, reader.sizes()
        aside = sum(stored_size(tag, reader.ancillary[tag]) for tag in (ICC, EXIF) if tag in reader.ancillary)
    rate = {"bytes": size, "bpp": bpp(size, found["samples"]), "parts": parts(sizes), "set_aside": aside}
    return {**found, **rate}
