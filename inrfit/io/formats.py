"""The image file formats: how each is recognised and what it can hold; nothing here reads or writes one."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from inrfit.errors import InputError
from inrfit.io.told import Told

PIXEL_LIMIT = 2**28
"""Most pixels an image file may declare; more is taken for a decompression bomb before anything is decoded."""

BYTES = 2**28
"""Bytes of samples that any image may have, however small its file."""

EXPANSION = 256
"""Bytes of samples for each byte of the file that images above `BYTES` may have; deflate reaches 1032 for one colour."""

MAX_CHANNELS = 64
"""Most channels an array may have."""

COLOURS = {1: "grey", 2: "grey-alpha", 3: "rgb", 4: "rgb-alpha"}
"""Meaning of the channels by their number; beyond four they are `PLAIN`."""

PLAIN = "channels"
"""Meaning of channels that are neither colours nor alpha."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One file format.

    Attributes:
        name: as Pillow calls it.
        suffixes: file suffixes, the usual one first.
        magic: pattern of the first bytes of a file.
        dtypes: sample types that can be written; empty when the format is only read.
        channels: numbers of channels that can be written.
        plain: whether channels that are neither colours nor alpha can be written, in any number.
    """

    name: str
    suffixes: tuple[str, ...]
    magic: bytes
    dtypes: tuple[str, ...] = ()
    channels: tuple[int, ...] = ()
    plain: bool = False

    def holds(self, dtype: str, channels: int, colour: str = "") -> bool:
        """Tell whether samples of this type, number of channels and meaning ("" for the usual one) can be written."""
        if colour == PLAIN:
            return self.plain and dtype in self.dtypes
        return dtype in self.dtypes and channels in self.channels


_EIGHT = ("uint8",)
_ALL = ("uint8", "uint16", "float32")

FORMATS = (
    Format(
        name="PNG",
        suffixes=(".png",),
        magic=rb"\x89PNG\r\n\x1a\n",
        dtypes=("uint8", "uint16"),
        channels=(1, 2, 3, 4),
    ),
    Format(
        name="JPEG",
        suffixes=(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi"),
        magic=rb"\xff\xd8\xff",
        dtypes=_EIGHT,
        channels=(1, 3),
    ),
    Format(name="WEBP", suffixes=(".webp",), magic=rb"RIFF....WEBP", dtypes=_EIGHT, channels=(1, 2, 3, 4)),
    Format(
        name="AVIF",
        suffixes=(".avif",),
        magic=rb"....ftyp(avif|avis|(mif1|msf1).{0,64}?avi[fs])",
        dtypes=_EIGHT,
        channels=(1, 2, 3, 4),
    ),
    Format(
        name="TIFF",
        suffixes=(".tif", ".tiff"),
        magic=rb"II[*+]\x00|MM\x00[*+]",
        dtypes=_ALL,
        channels=(1, 2, 3, 4),
        plain=True,
    ),
    Format(name="BMP", suffixes=(".bmp",), magic=rb"BM", dtypes=_EIGHT, channels=(1, 3)),
    Format(
        name="NPY",
        suffixes=(".npy",),
        magic=rb"\x93NUMPY",
        dtypes=_ALL,
        channels=tuple(range(1, MAX_CHANNELS + 1)),
        plain=True,
    ),
    Format(name="GIF", suffixes=(".gif",), magic=rb"GIF8[79]a"),
    Format(name="PPM", suffixes=(".ppm", ".pgm", ".pbm", ".pnm"), magic=rb"P[1-6]\s"),
)

RAW = "raw photo of a camera"
"""What is said of files of samples that are not a picture yet."""

UNREAD = (
    (rb".{8}CR\x02", f"{RAW} (CR2)"),
    (rb"....ftypcrx ", f"{RAW} (CR3)"),
    (rb"II(RO|RS|U\x00)|MMOR", f"{RAW} (ORF or RW2)"),
    (rb"FUJIFILMCCD-RAW", f"{RAW} (RAF)"),
    (rb"FOVb", f"{RAW} (X3F)"),
    (rb"\x00MRM", f"{RAW} (MRW)"),
    (rb"II.{4}HEAPCCDR", f"{RAW} (CRW)"),
    (rb"....ftyp(hei[cxms]|hev[cx]|(mif1|msf1).{0,64}?hei[cxs])", "HEIC photo"),
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "JPEG XL picture"),
    (rb"\xff\x4f\xff\x51|\x00\x00\x00\x0cjP  ", "JPEG 2000 picture"),
    (rb"8BPS", "Photoshop file"),
    (rb"\x76\x2f\x31\x01", "OpenEXR picture"),
    (rb"#\?(RADIANCE|RGBE)", "Radiance HDR picture"),
    (rb"\x00\x00[\x01\x02]\x00[^\x00]\x00", "Windows icon"),
)
"""First bytes of pictures that are known and not read, and what they are; asked before `FORMATS`."""

SUFFIXES = tuple(suffix for form in FORMATS for suffix in form.suffixes)
"""Every suffix that counts as an image when a folder is read."""

WRITTEN = tuple(suffix for form in FORMATS if form.dtypes for suffix in form.suffixes[:2])
"""Usual suffixes of the formats that are written."""


def recognise(data: bytes) -> Format | None:
    """Return the format of a file by its first bytes, or None."""
    return next((form for form in FORMATS if re.match(form.magic, data, re.DOTALL)), None)


def unread(data: bytes) -> str | None:
    """Return what a file is by its first bytes where it is a known kind of picture that is not read."""
    return next((what for magic, what in UNREAD if re.match(magic, data[:256], re.DOTALL)), None)


def by_suffix(suffix: str) -> Format | None:
    """Return the format a suffix stands for, in either case, or None."""
    return next((form for form in FORMATS if suffix.lower() in form.suffixes), None)


def check_size(height: int, width: int, name: str) -> None:
    """Raise an InputError unless an image of this size may be decoded."""
    if min(height, width) < 1:
        raise InputError(f"{name}: an image of {width}x{height} pixels has no samples")
    if height * width > PIXEL_LIMIT:
        raise InputError(
            f"{name}: {width}x{height} is {height * width} pixels, more than the {PIXEL_LIMIT} allowed",
            hint="scale it down, or cut it into parts",
        )


def check_expansion(wanted: int, there: int, name: str) -> None:
    """Raise an InputError where so many bytes of samples are too many for a file of so many bytes.

    Up to `BYTES` any image is decoded, so that one of a single colour is; more needs a byte there for each `EXPANSION`.
    """
    allowed = max(BYTES, EXPANSION * there)
    if wanted > allowed:
        raise InputError(
            f"{name}: announces {wanted} bytes of samples, for a file of {there} bytes at most {allowed} are allowed",
            hint="scale it down, or cut it into parts",
        )


def avif_colours(data: bytes) -> tuple[int, int] | None:
    """Return primaries and transfer of an AVIF file by the numbers of H.273, or None where they are those of sRGB."""
    at = data.find(b"colrnclx")
    if not 0 <= at <= len(data) - 12:
        return None
    primaries, transfer = struct.unpack_from(">HH", data, at + 8)
    usual = primaries in (1, 2) and transfer in (1, 2, 6, 13)  # BT.709 or not said
    return None if usual or max(primaries, transfer) > 255 else (primaries, transfer)


def is_deep_avif(data: bytes) -> bool:
    """Tell whether an AVIF file declares more than 8 bit; source: AV1 in ISOBMFF 1.2, section 2.3.3 (av1C)."""
    at = data.find(b"av1C")
    return 0 <= at < len(data) - 6 and bool(data[at + 6] & 0x40)


TOLD = (
    Told(
        name="PNG",
        suffixes=(".png",),
        read="1 to 16 bit, grey, RGB, palette, alpha, interlaced",
        kept="sample type, ICC, EXIF, colour chunks (gAMA, cHRM, sRGB, cICP, mDCV, cLLI)",
        converted="palette to RGB, 1 to 4 bit to 8, a transparent colour to alpha; gamma and primaries to a profile in other "
        "formats (told where there is none)",
        dropped="text, density, further frames (told), chunks beside the samples that are damaged (told)",
        written="8 and 16 bit, grey and RGB, with alpha",
    ),
    Told(
        name="JPEG",
        suffixes=(".jpg", ".jpeg"),
        read="8 bit, grey, RGB, CMYK",
        kept="ICC, EXIF",
        converted="turned upright, CMYK to RGB without colour management (told)",
        dropped="XMP, IPTC, comments, thumbnails, the profile of CMYK",
        written="quality 95, 4:4:4, grey and RGB",
    ),
    Told(
        name="JPEG by other names",
        suffixes=(".jpe", ".jfif", ".jif", ".jfi"),
        read="as JPEG",
        kept="ICC, EXIF; written as `.jpg`",
        converted="as JPEG",
        dropped="as JPEG",
    ),
    Told(
        name="WebP",
        suffixes=(".webp",),
        read="8 bit, RGB, alpha",
        kept="sample type, ICC (not of grey), EXIF",
        converted="turned upright",
        dropped="XMP, further frames (told)",
        written="lossless; grey as RGB",
    ),
    Told(
        name="AVIF",
        suffixes=(".avif",),
        read="8 bit, RGB, alpha",
        kept="ICC, EXIF",
        converted="turned upright; a colour space that is no profile to the chunks of a PNG, or to a profile (told where there "
        "is none)",
        dropped="more than 8 bit is refused; XMP, further frames (told)",
        written="quality 90, 4:4:4",
    ),
    Told(
        name="TIFF, BigTIFF",
        suffixes=(".tif", ".tiff"),
        read="1 to 32 bit, signed too, floats of 16 to 64 bit; grey, RGB, palette, CMYK, alpha, up to 64 bands; strips, tiles, planes; "
        "uncompressed, PackBits, LZW, deflate, LZMA, ZSTD, JPEG of 8 bit",
        kept="sample type up to float32, bands, ICC, EXIF",
        converted="turned upright, white-is-zero inverted, premultiplied alpha divided out (told), 2 to 7 bit to 8 and others to 16, "
        "float64 to float32, signed and 32 bit to floats (told); GDAL_NODATA and NaN to samples without a target (told)",
        dropped="further pages (told), masks (told), thumbnails, geographic tags, density",
        written="deflate; 8 and 16 bit and float32, grey and RGB, with alpha, bands",
    ),
    Told(
        name="BMP",
        suffixes=(".bmp",),
        read="1 to 32 bit",
        kept="sample type",
        converted="palette to RGB",
        dropped="density",
        written="8 bit, grey and RGB",
    ),
    Told(
        name="GIF",
        suffixes=(".gif",),
        read="the first frame, palette",
        converted="palette to RGB, a transparent colour to alpha",
        dropped="further frames (told; `--kind video` reads them), comments",
    ),
    Told(
        name="PNM",
        suffixes=(".ppm", ".pgm", ".pbm", ".pnm"),
        read="P1 to P6, 1 to 16 bit",
        converted="1 bit to 8",
        dropped="comments",
    ),
    Told(
        name="NumPy",
        suffixes=(".npy",),
        read="[y, x] or [y, x, channel], bool, whole numbers from 0 to 65535, floats; up to 64 channels, not first (refused)",
        kept="sample type up to float32",
        converted="float64 and float16 to float32, whole numbers to 8 or 16 bit; NaN to samples without a target (told)",
        dropped="",
        written="uint8, uint16, float32",
    ),
)
"""What is read of each format, and what becomes of it."""
