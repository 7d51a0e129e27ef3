"""`inrfit eval --against`: files set beside other codecs of their picture, one after another; nothing is encoded here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inrfit.cli.console import number
from inrfit.errors import ConfigError

if TYPE_CHECKING:
    from inrfit.compare.rivals import Rivals
    from inrfit.field import Field
    from inrfit.signal import Signal

FEWEST = 4
"""Files of one picture that a BD-rate needs."""

COLUMNS = 6
"""Of the table that sets a file beside the codecs."""

MOST_NAMED = 8
"""Files of one picture that a chart shows each with its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture, and the files of it that were measured.

    Attributes:
        name: path of the original.
        files: name, bytes without profile and EXIF, and PSNR in dB of each file.
        done: what was encoded, by codec and quality.
        bd: what `Rivals.bd` says of all files so far; empty with too few.
        curves: bits per sample and PSNR in dB of each codec; empty until they are asked for.
    """

    name: str
    files: list[tuple[str, int, float]] = field(default_factory=list)
    done: dict[tuple[str, int], Any] = field(default_factory=dict)
    bd: dict[str, dict[str, Any]] = field(default_factory=dict)
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One file and its picture.

    Attributes:
        name: what the file is called.
        picture: what is known of its picture.
        rivals: the picture as files of the codecs.
        draws: whether curves are wanted for a report.
    """

    name: str
    picture: Picture
    rivals: Rivals
    draws: bool

    def measure(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return "against" and "bd" of the file, which counts from now on.

        Args:
            found: what `api.evaluate` returned of it.
        """
        point = found["bytes"] - found["set_aside"], found["psnr_type"]
        result, picture = self.rivals.beside(*point), self.picture
        picture.files.append((self.name, *point))
        if len(picture.files) >= FEWEST:
            picture.bd.update(self.rivals.bd([(size, psnr) for _, size, psnr in picture.files]))
        if self.draws and not picture.curves:
            picture.curves.update(_drawn(self.rivals, found["samples"]))
        return {"against": result, "bd": dict(picture.bd) or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """The option, and the pictures that were met.

    Attributes:
        names: codecs, each once.
        draws: whether curves are wanted for a report.
        pictures: what was met, by original and part of it.
    """

    names: tuple[str, ...]
    draws: bool
    pictures: dict[object, Picture] = field(default_factory=dict)

    def meet(self, name: str, original: str, fitted: Field, signal: Signal) -> Beside:
        """Return a file and its picture, before anything is measured.

        Args:
            name: what the file is called.
            original: path of the original.
            fitted: the field of the file.
            signal: the original.

        Raises:
            InputError: the signal is no picture that codecs take.
        """
        from inrfit.compare import rivals

        picture = self.pictures.setdefault((original, fitted.domain.box), Picture(name=original))
        others = rivals.of(fitted, signal, self.names, done=picture.done)
        return Beside(name=name, picture=picture, rivals=others, draws=self.draws)

    def last_words(self) -> list[str]:
        """Return a line on each picture and codec for which there are enough files."""
        return [_bd_line(picture, name) for picture in self.pictures.values() for name in picture.bd]


def wanted(option: str | None, *, draws: bool) -> Against | None:
    """Read the option.

    Raises:
        ConfigError: a codec is not known, named twice, or not there.
    """
    if option is None:
        return None
    from inrfit.compare.pictures import codec
    from inrfit.registry import check

    names = [check("picture-codec", name.strip().lower(), option="--against") for name in option.split(",")]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"--against names {name} more than once", hint="name each codec once")
        codec(name)
    return Against(names=tuple(names), draws=draws)


def table(result: dict[str, Any]) -> list[str]:
    """Return the lines that set a file beside the codecs."""
    rows = [["", "quality", "bytes", "bpp", "PSNR dB", "this file"]]
    if result["set_aside"]:
        rows.insert(
            0, [f"profile and EXIF are counted in no file: {result['set_aside']:,} bytes less of this one"]
        )
    for name, found in result["against"].items():
        rows.append([f"{name} ({found['setting']})"])
        if found["reason"] is not None:
            rows.append([f"  not compared: {found['reason']}"])
            continue
        for key, label, gain in (
            ("same_bytes", "  same bytes", f"{_signed(found['psnr_gain'], 2)} dB"),
            ("same_psnr", "  same PSNR", f"{_signed(found['bytes_gain'], 1)} % bytes"),
        ):
            at = found[key]
            rows.append([label, *_cells(at), gain + _end(at, found)] if at else [_missing(label, key, found)])
    widths = [max(len(row[place]) for row in rows if len(row) > 1) for place in range(COLUMNS)]
    return [
        "  "
        + (
            row[0]
            if len(row) == 1
            else "  ".join(
                [
                    row[0].ljust(widths[0]),
                    *(cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)),
                    row[-1],
                ]
            )
        )
        for row in rows
    ]


def rates(picture: Picture, name: str, samples: int) -> dict[str, list[tuple[float, float]]]:
    """Return what a report draws of a file: bits per sample and PSNR of each codec, of the file, and of the others.

    The curves end at twice the rate of the largest file, so that the files are not all in a corner. Many files are
    one line.

    Args:
        picture: what is known of its picture.
        name: what the file is called.
        samples: samples of the picture.
    """
    points = sorted((8 * size / samples, psnr, label) for label, size, psnr in picture.files)
    most = 2 * points[-1][0]
    drawn = {
        codec: [point for place, point in enumerate(curve) if place < 2 or point[0] <= most]
        for codec, curve in picture.curves.items()
    }
    if len(points) > MOST_NAMED:
        drawn[f"all {len(points)} files"] = [(rate, psnr) for rate, psnr, _ in points]
        points = [point for point in points if point[2] == name]
    return drawn | {label: [(rate, psnr)] for rate, psnr, label in points}


def _drawn(others: Rivals, samples: int) -> dict[str, list[tuple[float, float]]]:
    return {
        name: [(8 * point.bytes / samples, point.psnr) for point in curve]
        for name, curve in others.curves().items()
        if curve
    }


def _bd_line(picture: Picture, name: str) -> str:
    found = picture.bd[name]
    start = f"{found['files']} files of {picture.name} against {name}"
    if found["rate"] is None:
        return f"{start}: no BD-rate, {found['reason']}"
    psnr = "" if found["psnr"] is None else f", BD-PSNR {_signed(found['psnr'], 2)} dB"
    return f"{start}: BD-rate {_signed(found['rate'], 1)} %{psnr}"


def _cells(at: dict[str, Any]) -> list[str]:
    return [
        str(at["quality"]),
        f"{at['bytes']:,}",
        number(at["bpp"], 3),
        number(at["psnr"], 2),
    ]


def _end(at: dict[str, Any], found: dict[str, Any]) -> str:
    """Return a note where a codec is at the end of what it can do."""
    if at["quality"] == found["smallest"]["quality"]:
        return ", its lowest"
    return ", its highest" if at["quality"] == found["best"]["quality"] else ""


def _missing(label: str, key: str, found: dict[str, Any]) -> str:
    end, words = (
        (found["smallest"], "its smallest file has")
        if key == "same_bytes"
        else (found["best"], "its best file has")
    )
    return f"{label}: none, {words} {end['bytes']:,} bytes and {number(end['psnr'], 2)} dB (quality {end['quality']})"


def _signed(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:+.{digits}f}"
