"""A sound at equal bytes: inrfit's file beside MP3, as both come.

LAME codes three seconds of speech (16 kHz, one channel) at constant bit rates; `inrfit fit --target-size` then gets as
many bytes as the MP3 file has, with its defaults. SNR and PSNR are of the decoded 16-bit samples; MP3's are not moved,
since its header tells its delay and the decoder takes it off. SNR says little about what is heard: MP3 puts its
errors where they are masked, a field does not. Needs an ffmpeg with LAME, such as that of imageio-ffmpeg.

    python benchmarks/sound_mp3.py [--data FOLDER] [--kbps 16,32] [--steps N] [--out FILE] [--table FILE]
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import numpy as np
from numpy.typing import NDArray
from signals import DATA

from inrfit import api
from inrfit.device import Device
from inrfit.errors import InputError
from inrfit.io.ffmpeg import executable
from inrfit.metrics import fidelity
from inrfit.metrics.sound import snr
from inrfit.signal import Signal

NAME = "sound_mp3"
SOUND = "audio/speech3s/val/118-121721-0000.flac"
KBPS = "16,32"


def mp3(samples: NDArray[Any], rate: int, kbps: int) -> tuple[int, NDArray[np.int16]]:
    """Code a sound [time, channel] of int16; return the bytes of the file, and what it is decoded to.

    Raises:
        InputError: ffmpeg refuses, or gives back another number of samples.
    """
    channels = samples.shape[1]
    raw = ["-f", "s16le", "-ar", str(rate), "-ac", str(channels)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.mp3"
        plain = ["-id3v2_version", "0", "-map_metadata", "-1", "-fflags", "+bitexact"]
        _ffmpeg(
            [*raw, "-i", "pipe:0", "-c:a", "libmp3lame", "-b:a", f"{kbps}k", *plain, str(path)],
            samples.tobytes(),
        )
        size = path.stat().st_size
        decoded = np.frombuffer(_ffmpeg(["-i", str(path), *raw, "pipe:1"]), "<i2").reshape(-1, channels)
    if decoded.shape != samples.shape:
        raise InputError(f"MP3 at {kbps} kbit/s gives back {len(decoded)} of {len(samples)} samples")
    return size, decoded


def _ffmpeg(words: list[str], data: bytes | None = None) -> bytes:
    done = subprocess.run(
        [executable(), "-loglevel", "error", *words], input=data, capture_output=True, check=False
    )
    if done.returncode:
        raise InputError(f"ffmpeg refuses: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


def measure(signal: Signal, kbps: int, steps: int | None, device: Device) -> list[dict[str, Any]]:
    """Code a sound as MP3, and fit it at as many bytes; return both rows."""
    samples: NDArray[Any] = np.array(signal.dense(signal.domain.box))
    seconds = len(samples) * signal.domain.spacing[0]
    size, decoded = mp3(samples, round(1 / signal.domain.spacing[0]), kbps)
    row = {"kbps": kbps, "wanted_bytes": size}
    rows = [{**row, "method": f"MP3, {kbps} kbit/s", **_quality(samples, decoded, size, seconds, signal)}]
    words: dict[str, Any] = {} if steps is None else {"steps": steps}
    began = time.perf_counter()
    plan = api.plan(signal, device=device.name, threads=device.threads, target_size=size, **words)
    fitted = api.run(plan)
    took = time.perf_counter() - began
    data = api.to_bytes(fitted)
    made = np.array(api.load(data).decode(device=device.name, threads=device.threads))
    rows.append(
        {
            **row,
            "method": "inrfit",
            **_quality(samples, made, len(data), seconds, signal),
            "params": plan.params,
            "regions": len(plan.partition),
            "steps": plan.settings.fit.steps,
            "seconds": round(took, 2),
        }
    )
    return rows


def _quality(
    samples: NDArray[Any], decoded: NDArray[Any], size: int, seconds: float, signal: Signal
) -> dict[str, Any]:
    between = signal.info.value_range
    return {
        "bytes": size,
        "kbit_per_second": 8 * size / seconds / 1000,
        "snr": snr(samples, decoded, between),
        "psnr": fidelity.psnr(samples, decoded, between),
    }


def table(data: dict[str, Any]) -> str:
    """Return a result as a Markdown table."""
    lines = [
        "| method | bytes | kbit/s | SNR | PSNR | weights | steps | seconds |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in data["rows"]:
        cells = [row["method"], f"{row['bytes']:,}", f"{row['kbit_per_second']:.1f}"]
        cells += [f"{row['snr']:.2f}", f"{row['psnr']:.2f}"]
        fitted = "params" in row
        cells += [f"{row['params']:,}", f"{row['steps']:,}", f"{row['seconds']:.0f}"] if fitted else [""] * 3
        lines.append("| " + " | ".join(cells) + " |")
    made = data["provenance"]
    lines += ["", f"`{made['command']}`, {made['date']}, commit {made['commit']}, {made['processor']}."]
    return "\n".join(lines)


def run(chosen: argparse.Namespace) -> None:
    """Measure, and write the result after each rate."""
    if not chosen.data.is_dir():
        raise InputError(f"{chosen.data}: no such folder", hint="name the test material with --data")
    device = common.device_for(chosen.scale, threads=chosen.threads)
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    data: dict[str, Any] = {"provenance": common.provenance(device), "signal": Path(SOUND).stem, "rows": []}
    signal = api.read(chosen.data / SOUND)
    for kbps in map(int, chosen.kbps.split(",")):
        data["rows"] += measure(signal, kbps, chosen.steps, device)
        for row in data["rows"][-2:]:
            common.log(f"{row['method']}: {row['bytes']} bytes, SNR {row['snr']:.2f} dB")
        common.write_json(out, data)


def main() -> None:
    """Run, or print the table of a result."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the test material")
    parser.add_argument("--kbps", default=KBPS, help="bit rates of MP3 in kbit/s, with commas between")
    parser.add_argument("--steps", type=int, help="steps of a fit; the default's when not given")
    parser.add_argument("--threads", type=int, help="threads on the CPU; one per core when not given")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of a result")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
    else:
        run(chosen)


if __name__ == "__main__":
    common.start(main)
