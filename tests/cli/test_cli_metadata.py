"""What tells of a source can be left out: of fields, of decoded files, and of what a size is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from make.cli import FAST, inrfit
from make.data import textured
from PIL import Image, ImageCms

import inrfit as library
from inrfit.signal import SignalInfo

NOTES = bytes(np.random.default_rng(0).integers(0, 256, 20_000, np.uint8))


@pytest.fixture
def phone(here: Path) -> Path:
    """A photo with 20 kB of notes of its maker, and a colour profile."""
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif.get_ifd(0x8769)[0x927C] = NOTES
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = here / "phone.jpg"
    Image.fromarray(textured(48, 64)).save(path, exif=exif, icc_profile=profile)
    return path


def test_metadata_is_left_out_of_fields_and_the_profile_stays(phone: Path) -> None:
    assert inrfit("fit", phone, *FAST).code == 0
    assert inrfit("fit", phone, "-o", "bare.inr", "--no-metadata", *FAST).code == 0
    whole, bare = library.info("phone.inr"), library.info("bare.inr")
    assert set(whole["metadata"]) - set(bare["metadata"]) == {"exif"}
    assert "icc" in bare["metadata"]
    assert whole["bytes"] > bare["bytes"] + 19_000
    assert library.fit(phone, metadata=False, steps=1, hidden_features=2).info.exif is None


def test_metadata_is_left_out_of_decoded_files(phone: Path) -> None:
    assert inrfit("fit", phone, *FAST).code == 0
    assert inrfit("decode", "phone.inr", "-o", "a.jpg").code == 0
    assert inrfit("decode", "phone.inr", "-o", "b.jpg", "--no-metadata").code == 0
    library.decode("phone.inr", "c.jpg", metadata=False)
    with Image.open("a.jpg") as told, Image.open("b.jpg") as bare, Image.open("c.jpg") as same:
        assert told.getexif()[0x010F] == "a maker"
        assert not bare.getexif()
        assert not same.getexif()
        assert bare.info["icc_profile"] == told.info["icc_profile"]


def test_a_size_that_metadata_exceeds_names_the_option_that_helps(phone: Path) -> None:
    words = ("fit", phone, "-o", "x.inr", "--steps", 5, "--target-size")
    ran = inrfit(*words, "8k")
    ran.refused("bytes are not weights", "--no-metadata", code=2)
    assert "--grid" not in ran.err
    assert inrfit(*words, "8k", "--no-metadata").code == 0
    assert Path("x.inr").stat().st_size <= 8000
    many = inrfit(*words, "2k", "--cell", 4, "--no-metadata", "--force")
    many.refused("fewer regions, by --grid or --cell", code=2)
    assert "--no-metadata" not in many.err
    inrfit(*words, "300", "--grid", "1x1", "--no-metadata", "--force").refused("allow at least", code=2)


def test_titles_of_sounds_are_left_out_and_encodings_kept(here: Path) -> None:
    with soundfile.SoundFile("a.wav", "w", 8000, 1, "PCM_16") as file:
        file.title, file.artist = "a title", "an artist"
        file.write(0.3 * np.sin(np.arange(2000) / 9))
    whole, bare = (
        library.io.read("a.wav", library.io.config.ReadConfig(metadata=m)).info for m in (True, False)
    )
    assert whole.tags["title"] == "a title"
    assert bare.tags == {
        name: text for name, text in whole.tags.items() if name not in ("title", "artist", "software")
    }
    assert "encoding" in bare.tags


def test_what_samples_need_stays() -> None:
    info = SignalInfo(icc=b"p", exif=b"e", tags={"fps": "25", "title": "t", "codec": "h264"})
    assert info.without_metadata() == SignalInfo(icc=b"p", tags={"fps": "25", "codec": "h264"})
