"""`python docs/make_licences.py docs/licences.md`: writes the page on what an installation carries, from what is installed."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]

BEFORE = """\
# Licences of what is installed with inrfit

inrfit is under the MIT licence and contains no code of others. `pip install inrfit` installs the packages below, whose
wheels carry libraries of their own. This page is made by `python docs/make_licences.py docs/licences.md` from the
packages that are installed and what they say of themselves; it was made on Linux x86-64, and wheels for other systems
carry other libraries. It is a list of facts, not legal advice.

"""

LINKED = re.compile(r"\.libs/|_data/lib|\.libs\\|torch/lib/|/binaries/ffmpeg|igl/(copyleft|triangle)/.*\.so")
"""Files of a wheel that are libraries or programs of others."""

REMARKS = {
    "imageio-ffmpeg": "The package is BSD; the program `ffmpeg` that its wheel holds is a GPLv3 build (its own lines are below). "
    "inrfit starts it as a process of its own, for clips and for sounds that libsndfile does not read, and links nothing of "
    "it. Who passes the wheel on passes a GPLv3 program on. `IMAGEIO_FFMPEG_EXE` names another ffmpeg.",
    "libigl": "The core is MPL-2.0. The wheel holds `igl.copyleft` (CGAL and TetGen: GPL and AGPL) "
    "and `igl.triangle` (Triangle: not for commercial use) as modules of their own. inrfit imports `igl` alone, which loads "
    "neither; a test proves it.",
    "opencv-contrib-python-headless": "`import cv2`, which inrfit does for some deep pictures and compressed TIFF files and for `--partition seg`, "
    "loads libraries of FFmpeg (LGPL-2.1) and OpenSSL 1.1.1k, whose end of life was in September 2023. inrfit opens no "
    "connection and no clip with OpenCV, so neither is given any data.",
    "soundfile": "The package is BSD, the library libsndfile in its wheel LGPL-2.1, loaded as a shared library.",
    "torch": "The wheel for CUDA depends on NVIDIA's packages, which have licences of their own; the wheel for the CPU does not.",
    "numpy": "OpenBLAS is BSD, the libraries of GCC (gfortran, quadmath) are GPLv3 with the runtime library exception, or LGPL.",
    "scipy": "OpenBLAS and the libraries of GCC as with numpy.",
}
"""Package -> what its metadata do not say."""


def page() -> str:
    """Return the page."""
    found = sorted(installed(), key=lambda one: one.name.lower())
    rows = "".join(f"| {one.name} | {one.version} | {licence(one)} | {_listed(one)} |\n" for one in found)
    table = f"| package | version | licence | libraries and programs of others in its wheel |\n|---|---|---|---|\n{rows}"
    remarks = "".join(
        textwrap.fill(f"- **{name}**: {text}", 120, subsequent_indent="  ", break_on_hyphens=False) + "\n"
        for name, text in REMARKS.items()
    )
    return (
        f"{BEFORE}{table}\n## Remarks\n\n{remarks}\n## The ffmpeg that is carried\n\n```\n{ffmpeg()}\n```\n"
    )


def required() -> list[str]:
    """Return the names of the packages that the project requires."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(line).name for line in project["dependencies"]]


def installed() -> Iterator[Distribution]:
    """Yield the packages that the project requires, and those that they require."""
    left, seen = required(), set()
    while left:
        name = left.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        found = distribution(name)
        yield found
        needs = map(Requirement, found.requires or ())
        left += [one.name for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})]


def licence(package: Distribution) -> str:
    """Return the licence that a package names, or the first line of the text that it gives in its place."""
    told = package.metadata
    named = [
        line.split(" :: ")[-1] for line in told.get_all("Classifier") or () if line.startswith("License")
    ]
    text = (told.get("License") or "").strip().split("\n")[0]
    files = [Path(str(file)).name for file in package.files or () if "licenses/LICENSE" in str(file)]
    said = told.get("License-Expression") or (text if 0 < len(text) <= 40 and ":" not in text else "")
    return said or ", ".join(named) or ", ".join(sorted(files)) or "not said"


def carried(package: Distribution) -> list[str]:
    """Return the names of libraries and programs of others in a wheel, without hashes and numbers of builds."""
    names = (
        Path(str(file))
        for file in package.files or ()
        if LINKED.search(str(file)) and not str(file).endswith(".h")
    )
    short = (
        re.sub(r"-(r0-)?[0-9a-f]{8}(-[0-9a-f]{8})?(?=[.-])|\.cpython[\w-]*", "", path.name) for path in names
    )
    return sorted(set(short))


def _listed(package: Distribution) -> str:
    return ", ".join(f"`{name}`" for name in carried(package))


def ffmpeg() -> str:
    """Return the first lines that the carried ffmpeg says of itself: its version and how it was built."""
    import imageio_ffmpeg

    program = imageio_ffmpeg.get_ffmpeg_exe()
    told = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stdout
    lines = told.splitlines()
    options = [
        word
        for line in lines
        for word in line.split()
        if word.startswith(("--enable-gpl", "--enable-v", "--enable-non"))
    ]
    return "\n".join([lines[0], f"configured with {' '.join(options)}"])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
