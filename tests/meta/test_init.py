"""The file of an init: it holds what was learned exactly, and what is no init is one clear error."""

from __future__ import annotations

import hashlib
import json
import tracemalloc

import numpy as np
import pytest
from make.meta import MODEL, TRUNK, learner_of
from safetensors.numpy import save

from inrfit.codec.chunks import MAGIC
from inrfit.errors import InputError
from inrfit.meta.config import MetaConfig
from inrfit.meta.init import FORMAT, VERSION, Init, loads, read
from inrfit.partitions.config import PartitionConfig


def init_of(model=MODEL, **words):
    config = MetaConfig(inner_steps=2, **words)
    learner = learner_of(model=model, **words)
    return Init(
        kind="image",
        axes=("y", "x"),
        channels=3,
        model=model,
        partition=PartitionConfig(rule="grid", grid=(2, 2)),
        config=config,
        params=learner.parameters(3),
        notes={"signals": 7, "val_psnr": 21.5},
    )


@pytest.mark.parametrize("model", [MODEL, TRUNK], ids=["partitioned", "local-global"])
@pytest.mark.parametrize("words", [{}, {"rates": "tensor", "solve": "last"}, {"rates": "fixed"}], ids=str)
def test_a_file_holds_the_init_exactly(model, words, tmp_path):
    made = init_of(model, **words)
    path = tmp_path / "a.safetensors"
    path.write_bytes(made.data)
    back = read(path)
    for word in ("kind", "axes", "channels", "model", "partition", "config", "notes", "hash", "data"):
        assert getattr(back, word) == getattr(made, word), word
    assert set(back.params) == set(made.params)
    for name, value in made.params.items():
        assert back.params[name].dtype == np.float32
        assert np.array_equal(back.params[name], value), name
    assert type(back.learner) is type(made.learner)


def test_its_hash_is_that_of_its_bytes_whoever_wrote_them():
    made = init_of()
    assert made.hash == hashlib.sha256(made.data).hexdigest()
    assert init_of().hash == made.hash
    header, body = split(made.data)
    spaced = json.dumps(header, indent=2).encode()
    other = len(spaced).to_bytes(8, "little") + spaced + body
    assert loads(other).hash == hashlib.sha256(other).hexdigest() != made.hash


def test_other_numbers_are_another_init():
    made = init_of()
    moved = made.with_params({name: value + 1 for name, value in made.params.items()}, steps_done=3)
    assert moved.hash != made.hash
    assert moved.notes == {"signals": 7, "val_psnr": 21.5, "steps_done": 3}
    assert np.array_equal(loads(moved.data).params["bias0"], made.params["bias0"] + 1)


def split(data):
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_about(change):
    """Return the bytes of an init with another line of metadata."""
    made = init_of()
    header, body = split(made.data)
    about = json.loads(header["__metadata__"][FORMAT])
    header["__metadata__"][FORMAT] = change(about)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def about_with(**changes):
    return with_about(lambda about: json.dumps({**about, **changes}))


def part_with(part, **changes):
    return with_about(lambda about: json.dumps({**about, part: {**about[part], **changes}}))


def with_tensors(change):
    made = init_of()
    metadata = split(made.data)[0]["__metadata__"]
    return save(change({name: np.array(value) for name, value in made.params.items()}), metadata=metadata)


def with_nan(tensors):
    tensors["bias0"][0, 0] = np.nan
    return tensors


GOOD = init_of().data
HOSTILE = {
    "empty": b"",
    "short": GOOD[:6],
    "header cut": GOOD[:100],
    "body cut": GOOD[:-5],
    "body longer": GOOD + b"1234",
    "huge header": (1 << 62).to_bytes(8, "little") + GOOD[8:],
    "header of nothing": bytes(8) + GOOD[8:],
    "no JSON": (20).to_bytes(8, "little") + b"\xff" * 200,
    "JSON list": (4).to_bytes(8, "little") + b"[1] " + bytes(50),
    "deep JSON": (100_000).to_bytes(8, "little") + b"[" * 100_000,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "other safetensors": save({"a": np.zeros(3, np.float32)}),
    "other metadata": save({"a": np.zeros(3, np.float32)}, metadata={"format": "pt"}),
    "metadata no JSON": with_about(lambda about: "{"),
    "metadata a list": with_about(lambda about: "[]"),
    "metadata deep": with_about(lambda about: "[" * 100_000),
    "metadata NaN version": about_with(version="new"),
    "version missing": with_about(lambda a: json.dumps({k: v for k, v in a.items() if k != "version"})),
    "no channels": about_with(channels=0),
    "many channels": about_with(channels=1 << 40),
    "no axes": about_with(axes=[]),
    "infinite channels": with_about(lambda a: json.dumps({**a, "channels": float("inf")})),
    "unknown method": part_with("config", method="wonder"),
    "unknown word": part_with("config", magic=3),
    "steps as text": part_with("config", inner_steps="3"),
    "unknown model": part_with("model", name="wonder"),
    "unknown activation": part_with("model", activation="wonder"),
    "huge width": part_with("model", hidden_features=1 << 16, hidden_layers=64),
    "no width": part_with("model", hidden_features=None),
    "width as a list": part_with("model", hidden_features=[8]),
    "unknown rule": part_with("partition", rule="wonder"),
    "model no table": about_with(model=3),
    "an .inr file": MAGIC + bytes(100),
    "huge transformer": part_with(
        "config", method="transinr", rates="fixed", hyper_features=1 << 14, hyper_blocks=256
    ),
    "huge crops": part_with("config", size=1 << 20),
    "many groups": part_with("config", method="transinr", rates="fixed", groups=1 << 14, size=64),
    "many steps": part_with("config", inner_steps=64),
    "unknown target": about_with(notes={"target": "wonder"}),
    "target a list": about_with(notes={"target": [1]}),
    "other width": part_with("model", hidden_features=9),
    "other steps": part_with("config", inner_steps=3),
    "wrong shape": with_tensors(lambda t: {**t, "weight0": t["weight0"].T}),
    "missing": with_tensors(lambda t: {k: v for k, v in t.items() if k != "bias1"}),
    "too many": with_tensors(lambda t: {**t, "more": np.zeros(2, np.float32)}),
    "NaN": with_tensors(with_nan),
    "float64": with_tensors(lambda t: {**t, "bias0": t["bias0"].astype(np.float64)}),
    "int32": with_tensors(lambda t: {**t, "bias0": t["bias0"].astype(np.int32)}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_init_is_one_clear_error(what, tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(HOSTILE[what])
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 600
    assert "inrfit meta-train" in (caught.value.hint or "")


def test_huge_words_cost_no_memory():
    tracemalloc.start()
    try:
        for what in ("huge transformer", "many groups", "huge crops", "huge width"):
            with pytest.raises(InputError):
                loads(HOSTILE[what])
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


def test_a_field_named_as_an_init_says_so():
    with pytest.raises(InputError, match=r"it is an \.inr file"):
        loads(HOSTILE["an .inr file"])


def test_a_newer_version_says_so():
    with pytest.raises(InputError, match=f"init of version 9, this inrfit reads {VERSION}") as caught:
        loads(about_with(version=9), "a.safetensors")
    assert "newer inrfit" in (caught.value.hint or "")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.safetensors"):
        read(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match=r"cannot be read"):
        read(tmp_path)
