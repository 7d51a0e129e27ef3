"""A second reader of files that need an init, written from section 5.1 of `docs/format.md` alone, finds the same weights."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from make.data import textured
from make.format import Stream, cut
from make.inits import init_of
from safetensors.numpy import load

from inrfit import api

TINY = {"size": 8, "patch": 4, "hyper_features": 8, "hyper_blocks": 1, "hyper_heads": 2, "inner_lr": 1e-3}
CASES = [
    {"method": "maml", "name": "partitioned"},
    {"method": "maml", "name": "local-global"},
    *({"method": "ipc", "name": "composer", "rank": 3, "factor": f} for f in ("uv", "v", "unvn", "uov")),
    {"method": "ipc-hypernet", "name": "composer", "rank": 3, **TINY, "inner_steps": 0},
    {"method": "transinr", "name": "partitioned", "groups": 3, **TINY, "inner_steps": 0},
]
KINDS = ("quantised", "float16", "float32")
LAYERS = 3


def parts(data):
    """Return the header and the payloads of the regions of a grid."""
    head, _, shared, found = cut(data)
    assert shared == b""
    return head, found


def stored(payload, header, shapes, starts):
    """Return the arrays of a `PART`; quantised ones are added to what they start from."""
    if header[4] != "quantised":
        numbers = np.frombuffer(payload, np.dtype(header[4]).newbyteorder("<")).astype(float)
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        assert ends[-1] == len(numbers)
        return [n.reshape(s) for n, s in zip(np.split(numbers, ends[:-1]), shapes, strict=True)]
    exponents, tables, choice = header[11]
    stream, found = Stream(payload, tables, choice), []
    for exponent, shape, start in zip(exponents, shapes, starts, strict=True):
        integers = np.array(stream.integers(math.prod(shape)), np.float32).reshape(shape)
        value = integers * np.float32(2.0 ** (exponent / 32))
        found.append(value if start is None else start + value)
    stream.end()
    return found


def weights(data, init):
    """Return [W_0, b_0, ...] of each region, and the arrays of the init."""
    arrays = load(init)
    length = int.from_bytes(init[:8], "little")
    about = json.loads(json.loads(init[8 : 8 + length])["__metadata__"]["inrfit-init"])
    config, header = about["config"], parts(data)[0]
    model, channels = header[1], header[0][6]
    width = model[2]
    sizes = [(2, width), (width, width), (width, channels)]
    method, modulated = config["method"], model[16]
    fan_in, fan_out = sizes[modulated]
    if method == "maml":
        kept = [shape for size in sizes for shape in (size, size[1:])]
        called = [f"{word}{j}" for j in range(LAYERS) for word in ("weight", "bias")]
    elif method == "transinr":
        kept = [(one, min(config["groups"], other)) for one, other in sizes]
        called = [f"F{j}" for j in range(LAYERS)]
    else:
        rank = config["rank"] if config["factor"] in ("uv", "unvn") else fan_out
        kept = [(fan_in, rank), *([(rank, fan_out)] if config["factor"] == "unvn" else [])]
        called = ["V", "U"][: len(kept)]

    def normal(matrix, j):
        long = math.sqrt(2) / model[5] if model[1] in ("sine", "gauss") and 0 < j < LAYERS - 1 else 1
        return long * matrix / np.maximum(np.linalg.norm(matrix, axis=0), 1e-12)

    regions = []
    for payload in parts(data)[1]:
        own = stored(payload, header, kept, [arrays.get(name) for name in called])
        if method == "maml":
            regions.append(own)
            continue
        made = []
        for j, (_, out) in enumerate(sizes):
            if method == "transinr":
                columns = np.arange(out) % own[j].shape[1]
                matrix = arrays[f"weight{j}"] * own[j][:, columns]
            elif j == modulated:
                v, u = own[0], own[1] if config["factor"] == "unvn" else arrays.get("U")
                matrix = {"v": lambda v, u: v, "uov": lambda v, u: v * u}.get(
                    config["factor"], lambda v, u: v @ u
                )(v, u)
            else:
                matrix = arrays[f"weight{j}"]
            made += [normal(matrix, j), arrays[f"bias{j}"]]
        regions.append(made)
    return regions, arrays


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case['method']}-{case.get('factor', case['name'])}"
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_second_reader_finds_the_same_weights(case, kind):
    init = init_of(**case)
    field = api.adapt(
        textured(16, 24), init, steps=2, reference_init=True, grid=(2, 3), weights=kind, device="cpu"
    )
    data = api.to_bytes(field)
    regions, arrays = weights(data, init.data)
    assert len(regions) == 6
    read = api.load(data, init=init)
    assert read.model.name == case["name"]
    for number, own in enumerate(regions):
        for name, value in zip(
            [f"{w}{j}" for j in range(LAYERS) for w in ("weight", "bias")], own, strict=True
        ):
            found = read.weights[name][min(number, len(read.weights[name]) - 1)]
            np.testing.assert_allclose(found.reshape(value.shape), value, rtol=1e-5, atol=1e-6, err_msg=name)
    if case["name"] == "local-global":
        for name in ("trunk_weight0", "trunk_bias0", "merge_local", "merge_trunk", "merge_bias"):
            np.testing.assert_array_equal(read.weights[name][0], arrays[name])
