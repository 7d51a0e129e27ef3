"""`inrfit eval`: how good decoded files are, against the signals they were made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import against as rivals
from inrfit.cli import batch, options, reports
from inrfit.cli.console import fidelity, listener, number, say, size
from inrfit.cli.inputs import Item, container, expand, is_file, is_folder, is_pipe
from inrfit.cli.places import check_extra
from inrfit.errors import ConfigError, InputError
from inrfit.registry import check, every, names

if TYPE_CHECKING:
    from inrfit.report import Entry

KEYS = {
    "reference": "path of the original",
    "samples": "samples of the signal that its regions cover",
    "mse": "mean squared error with values on [0, 1]",
    **dict.fromkeys(
        sorted(set(names("metric")) - {"psnr"}),
        "the metric; null where it was not asked for or is not defined",
    ),
    "border_error": "error on both sides of region borders, as a ratio to the error elsewhere",
    "region_psnr": "dB of each region",
    "frame_psnr": "dB of each frame of a clip; null for what is no clip",
    "frame_ssim": "SSIM of each frame of a clip; null where it was not asked for",
    "parts": "bytes of `header` (with the index), `shared`, `metadata` and `regions`, which add up to `bytes`, and "
    "`region_smallest`, `region_median`, `region_largest`",
    "set_aside": "bytes of the colour profile and the EXIF block: the codecs of `--against` write none, and they count in no file",
    "against": "by codec of `--against`: `setting`, `reason` (why it cannot hold the picture), `same_bytes` (largest file of "
    "at most `bytes` less `set_aside`), `psnr_gain` (dB of this file above that), `same_psnr` (smallest file of at least `psnr`), `bytes_gain` "
    "(percent of bytes that this file takes more), `smallest`, `best`; files have `quality`, `bytes`, `bpp`, `psnr`",
    "bd": "by codec of `--against`, over the files of the same picture up to this one, so that the last has it of all: "
    "`files`, `rate` (BD-rate in percent), `psnr` (BD-PSNR in dB), `reason` (why there is none); null for fewer than four",
}
"""Keys of the command's own in JSON."""


def command(
    inputs: options.Inputs,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The original, or a folder with the originals; by default they lie beside the files.",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help=f"Some of {', '.join(names('metric'))}, separated by commas; those for the kind of signal by default.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help=f"Some of {', '.join(names('picture-codec'))}, separated by commas: the same picture of 8 bits as files of "
            "these, as large and as good, profile and EXIF counted in none; four files of it or more give a BD-rate.",
        ),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="HTML page with pictures and numbers.", rich_help_panel=options.TALK
        ),
    ] = None,
    init: options.Init = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure .inr files against originals.

    The original of NAME.inr is the file called NAME beside it unless --reference says otherwise; that of a crop is
    the same part of it. Samples that no region covers are not counted; SSIM takes them for equal.
    """
    with batch.json_errors(json, KEYS):
        wanted = None
        if metrics is not None:
            wanted = [check("metric", name.strip(), option="--metrics") for name in metrics.split(",")]
        others = rivals.wanted(against, draws=report is not None)
        options.check_device(device, threads)
        begin = options.read_init(init)
        found = expand(inputs, (".inr",), recursive=recursive)
        sources = [source for source, _ in found]
        _check_reference(reference, sources, several=others is not None)
        named = [Path(path) for path in (reference, init) if path is not None]
        check_extra("--report", report, [*sources, *named], force=force)
    entries: list[Entry] = []
    drawn: list[rivals.Picture] = []
    places = {source: below.parent for source, below in found}

    def work(item: Item) -> dict[str, Any]:
        from inrfit import api
        from inrfit.device import pick_device

        source = container(item)
        original = _original(item, reference, places[item.source])
        field = api.load(source, init=begin)
        signal = api.read(original, api.reading(field))
        picked = pick_device(device, threads)
        if not quiet:
            say(f"{picked.why} · {item.name}")
        beside = None if others is None else others.meet(item.name, str(original), field, signal)
        measured = api.evaluate(
            source, signal, metrics=wanted, init=begin, device=picked.name, threads=picked.threads
        )
        del measured["against"]
        if beside is not None:
            measured |= beside.measure(measured)
        if report is not None:
            shown = {k: v for k, v in measured.items() if not isinstance(v, list | dict)}
            entries.append(
                reports.entry(
                    item.name,
                    signal,
                    field,
                    picked,
                    shown,
                    measured["region_psnr"],
                    frame_psnr=measured.get("frame_psnr"),
                )
            )
            if beside is not None:
                drawn.append(beside.picture)
        return {"output": None, "reference": str(original), "device": picked.name, **measured}

    items = [Item(source=source, output=None, writes=False) for source in sources]
    results, code = batch.run(
        items, work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=listener(quiet=quiet)
    )
    if sum(result["status"] == "ok" for result in results) > 1:
        listener(quiet=quiet, data_on_stdout=json)(_means(results))
    if others is not None:
        for line in others.last_words():
            listener(quiet=quiet, data_on_stdout=json)(line)
    if drawn:
        samples = [int(entry.numbers["samples"] or 0) for entry in entries]
        entries = [
            replace(entry, rates=rivals.rates(picture, entry.name, count))
            for entry, picture, count in zip(entries, drawn, samples, strict=True)
        ]
    reports.write(report, entries, force=force, quiet=quiet)
    batch.leave(code)


def _check_reference(reference: str | None, sources: list[Path | None], *, several: bool) -> None:
    """Refuse a reference that cannot serve the inputs, before any work; one file may serve several where that is meant."""
    folder = reference is None or is_folder(reference)
    if None in sources and folder:
        raise ConfigError("standard input needs its original", hint="name the file with --reference")
    if reference is not None and not folder and not Path(reference).exists():
        raise InputError(f"--reference {reference}: no such file or folder", hint="check the spelling")
    if reference is not None and not folder and len(sources) > 1 and not several:
        raise ConfigError(
            f"--reference {reference} is one file for {len(sources)} inputs",
            hint="give a folder, or --against where all are of that one picture",
        )


def _original(item: Item, reference: str | None, below: Path) -> Path:
    """Find the original of a file: named, of the same name at the same place in a folder, or beside it.

    Args:
        item: the file.
        reference: the option.
        below: where the file lies in the folder that was given as input.
    """
    from inrfit.io import input_suffixes

    if reference is not None and not is_folder(reference):
        return Path(reference)
    source = item.source or Path()
    if is_pipe(source):
        raise InputError(
            f"{source} is a pipe, which has no original beside it", hint="name the original with --reference"
        )
    if not is_file(source):
        raise InputError(f"{source} does not exist", hint="check the spelling and the folder")
    folder = source.parent if reference is None else Path(reference) / below
    if not is_folder(folder):
        folder = Path(reference or "")
    suffixes = input_suffixes()
    there = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes and path.is_file()]
    named = [path for path in there if path.name == source.stem]  # of several of one stem
    found = named or [path for path in there if path.stem == source.stem]
    if len(found) == 1:
        return found[0]
    what = "has no original" if not found else f"has {len(found)} possible originals"
    raise InputError(
        f"{item.name} {what} named {source.stem}.* in {folder}", hint="name the original with --reference"
    )


IN_DECIBEL = ("psnr", "psnr-minmax", "snr", "si-sdr", "lsd")
"""Metrics that are told in dB."""


def _measured(result: dict[str, Any]) -> list[str]:
    """Return the metrics of a result, in the order of the table."""
    return [name for name in every("metric") if name in result]


def _plain(value: float | None) -> str:
    """Return a number with four decimals, or with two digits where it is smaller than they can show."""
    return f"{value:.1e}" if value is not None and 0 < abs(value) < 1e-3 else number(value, 4)


def _figure(result: dict[str, Any], name: str) -> str:
    """Return a metric as people read it."""
    if name == "psnr":
        return fidelity(result)
    return number(result[name], 2, "dB") if name in IN_DECIBEL else _plain(result[name])


def _summary(result: dict[str, Any]) -> list[str]:
    shown = [f"{name.upper()} {_figure(result, name)}" for name in _measured(result)]
    psnr = [p for p in result["region_psnr"] if p is not None]
    regions = [f"regions {min(psnr):.2f} to {max(psnr):.2f} dB"] if len(psnr) > 1 else []
    border = [] if result["border_error"] is None else [f"border error {number(result['border_error'])}"]
    rate = [size(result["bytes"]), f"{result['bpp']:.3f} bpp"]
    first = "  ".join([result["input"], *shown, *rate, *regions, *border])
    beside = rivals.table(result) if result.get("against") else []
    return [first, _parts(result), *beside]


def _parts(result: dict[str, Any]) -> str:
    """Return the line on the bytes of each part of a file."""
    held, count = result["parts"], len(result["region_psnr"])
    least, middle, most = (held[f"region_{name}"] for name in ("smallest", "median", "largest"))
    spread = f" (smallest {least:,}, median {middle:,g}, largest {most:,})" if count > 1 else ""
    return (
        f"  {result['bytes']:,} bytes: header and index {held['header']:,}, shared weights {held['shared']:,}, "
        f"{count:,} region{'s' if count > 1 else ''} {held['regions']:,}{spread}, metadata {held['metadata']:,}"
    )


def _means(results: list[dict[str, Any]]) -> str:
    """Return the means over several files; of PSNR both its mean and that of the mean error, which differ."""
    from inrfit.metrics.fidelity import psnr_of_mean_mse

    done = [result for result in results if result["status"] == "ok"]
    shown = []
    for name in dict.fromkeys(name for result in done for name in _measured(result)):
        values = [result[name] for result in done if result.get(name) is not None]
        mean = fmean(values) if values else None
        in_decibel = name in IN_DECIBEL
        shown.append(f"{name.upper()} {number(mean, 2, 'dB') if in_decibel else _plain(mean)}")
    shown.append(f"PSNR of the mean error {number(psnr_of_mean_mse([r['mse'] for r in done]))} dB")
    shown.append(f"{fmean(r['bpp'] for r in done):.3f} bpp")
    return f"mean of {len(done)}: {', '.join(shown)}"
