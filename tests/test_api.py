"""The Python API: the verbs of the command line as functions."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from make.data import textured

import inrfit
from inrfit import api

QUICK = {"grid": (2, 2), "steps": 3, "hidden_features": 6, "device": "cpu"}


def test_public_names_are_these():
    assert inrfit.__all__ == sorted(inrfit.__all__)
    assert dir(inrfit) == inrfit.__all__
    for name in inrfit.__all__:
        assert getattr(inrfit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        inrfit.fitt  # noqa: B018


def test_no_verb_is_called_as_a_module_which_would_hide_it():
    for home, names in api.HOMES.items():
        assert home not in sum(api.HOMES.values(), ())
        assert all(callable(getattr(api, name)) for name in names)
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        api.fitt  # noqa: B018


@pytest.mark.process
def test_cropping_dividing_and_decoding_need_no_torch_before_they_run():
    script = (
        "import sys; from inrfit import api; api.info, api.crop, api.partition, api.decode, api.interpolate; "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.process
def test_importing_inrfit_imports_nothing_heavy():
    script = "import sys, inrfit; print([m for m in ('torch', 'numpy', 'PIL', 'typer') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "source",
    [
        np.zeros((1, 1), np.uint8),
        textured(5, 7, 1)[..., 0],
        textured(5, 7),
        textured(5, 7, 4),
        textured(6, 5).astype(np.uint16) * 257,
        textured(6, 5)[..., 0] / 255.0,
        np.full((4, 4), 3.5, np.float32),
    ],
    ids=["1x1", "grey", "rgb", "rgba", "16 bit", "float", "constant float"],
)
def test_arrays_go_in_and_come_out_in_their_own_type(source):
    field = inrfit.fit(source, steps=2, hidden_features=4, device="cpu")
    decoded = inrfit.decode(field)
    expected = source if source.ndim == 3 else source[..., None]
    assert decoded.shape == expected.shape
    assert decoded.dtype == (np.float32 if source.dtype.kind == "f" else source.dtype)


def test_a_path_an_array_and_its_signal_give_the_same_field(tmp_path, picture):
    from PIL import Image

    Image.fromarray(picture).save(tmp_path / "a.png")
    fields = [inrfit.fit(source, **QUICK) for source in (tmp_path / "a.png", picture, inrfit.read(picture))]
    for field in fields[1:]:
        for name, weights in fields[0].weights.items():
            assert np.array_equal(field.weights[name], weights)


def test_decode_writes_when_asked(tmp_path, picture):
    field = inrfit.fit(picture, **QUICK)
    values = inrfit.decode(field, tmp_path / "out.png", scale=2)
    assert values.shape == (48, 72, 3)
    assert np.array_equal(inrfit.read(tmp_path / "out.png").dense(), values)


def test_evaluate_agrees_with_a_hand_calculation(picture):
    field = inrfit.fit(picture, **QUICK)
    found = inrfit.evaluate(field, picture)
    error = np.square((field.decode().astype(float) - picture) / 255)
    assert found["mse"] == pytest.approx(error.mean())
    assert found["psnr"] == pytest.approx(-10 * np.log10(error.mean()))
    assert found["psnr"] == pytest.approx(field.psnr, abs=1e-3)
    assert found["ms-ssim"] is None
    assert len(found["region_psnr"]) == 4
    assert found["bytes"] == len(api.to_bytes(field))
    assert found["bpp"] == pytest.approx(8 * found["bytes"] / (24 * 36))


@pytest.mark.parametrize(
    ("reference", "what"),
    [(textured(24, 35), "size"), (textured(24, 36, 1), "channels"), (textured(24, 36) / 255, "sample type")],
)
def test_evaluate_refuses_what_cannot_be_compared(picture, reference, what):
    field = inrfit.fit(picture, **QUICK)
    with pytest.raises(inrfit.InputError, match=what):
        inrfit.evaluate(field, reference)


def test_evaluate_names_unknown_metrics(picture):
    with pytest.raises(inrfit.ConfigError, match="--metrics 'psn'"):
        inrfit.evaluate(inrfit.fit(picture, **QUICK), picture, metrics=["psn"])


def test_info_tells_what_the_file_holds(picture):
    field = inrfit.fit(picture, **QUICK)
    data = api.to_bytes(field)
    held = inrfit.info(data)
    assert held["params"] == field.params
    assert held["psnr"] == pytest.approx(field.psnr)
    assert held["grid"] == [2, 2]
    assert sum(held["bytes_by_part"].values()) == held["bytes"] == len(data)
    assert held["damaged"] == []
    assert held["macs_per_sample"] == 2 * 6 + 6 * 6 * field.model.hidden_layers + 6 * 3
    broken = bytearray(data)
    broken[-1] ^= 1
    assert inrfit.info(bytes(broken))["damaged"] == [3]


def test_partition_divides_without_fitting(picture):
    assert len(inrfit.partition(picture, partition="grid", heads=6)) == 6


def test_segments_are_four_by_default_or_as_many_as_there_are():
    patches = np.random.default_rng(3).integers(0, 256, (6, 8, 3), np.uint8).repeat(32, 0).repeat(32, 1)
    assert len(inrfit.partition(patches, partition="seg")) == 4
    assert len(inrfit.partition(np.zeros((1, 1), np.uint8), partition="seg")) == 1
    with pytest.raises(inrfit.ConfigError, match="--heads 4 is more than the 1x1"):
        inrfit.partition(np.zeros((1, 1), np.uint8), partition="seg", heads=4)


def test_sources_of_the_wrong_kind_are_named():
    with pytest.raises(inrfit.InputError, match="list"):
        inrfit.read([[1, 2]])  # type: ignore[arg-type]


def test_progress_and_options_are_the_words_of_the_command_line(picture):
    from inrfit.fitting.progress import Progress

    seen = []
    inrfit.fit(picture, progress=Progress(on_event=seen.append), activation="relu", encoding="rff", **QUICK)
    assert len(seen) == 3
