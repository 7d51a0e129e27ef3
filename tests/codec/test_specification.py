"""A second decoder, written from `docs/format.md` alone in double precision, gives what inrfit decodes."""

from __future__ import annotations

import math
import zlib

import msgspec
import numpy as np
import pytest
from tests_data import textured

from inrfit import api

ACT = {
    "sine": lambda z, omega, scale: np.sin(omega * z),
    "relu": lambda z, omega, scale: np.maximum(z, 0),
    "finer": lambda z, omega, scale: np.sin(omega * (np.abs(z) + 1) * z),
    "gauss": lambda z, omega, scale: np.exp(-((omega * z) ** 2)),
    "wire": lambda z, omega, scale: (
        np.cos(omega * np.split(z, 2, -1)[0]) * np.exp(-((scale * np.split(z, 2, -1)[1]) ** 2))
    ),
}
OUT = {"linear": lambda z: z, "sigmoid": lambda z: np.tanh(z / 2)}

CASES = [
    {"activation": "sine"},
    {"activation": "sine", "partition": "none", "frame": "global", "hidden_layers": 0},
    {"activation": "sine", "partition": "labels.npy", "encoding": "rff", "features": 3, "weights": "float32"},
    {"activation": "relu", "partition": "labels.npy", "encoding": "harmonic", "bands": 4, "frame": "global"},
    {
        "activation": "relu",
        "grid": (3, 2),
        "encoding": "harmonic",
        "bands": 2,
        "output_activation": "sigmoid",
    },
    {"activation": "finer", "grid": (1, 3), "weights": "float32"},
    {"activation": "gauss", "grid": (2, 2), "frame": "global"},
    {"activation": "wire", "partition": "labels.npy", "scale_0": 2.0},
    {"activation": "wire", "grid": (2, 2), "hidden_layers": 0, "output_activation": "sigmoid"},
]


def chunks(data):
    offset = 16
    while offset < len(data):
        length = int.from_bytes(data[offset + 4 : offset + 8], "little")
        yield data[offset : offset + 4], data[offset + 12 : offset + 12 + length]
        offset += 12 + length


def second_decoder(data):
    """Return the samples of an image before they are clipped and rounded, [height, width, channel]."""
    held = list(chunks(data))
    head, index, shared = (payload for _, payload in held[:3])
    signal, model, partition, frame, weights = msgspec.msgpack.decode(head)[:5]
    ids, _, boxes, areas = msgspec.msgpack.decode(index)[:4]
    out = np.full((*signal[1], signal[6]), np.nan)
    for n, payload in enumerate(payload for tag, payload in held if tag == b"PART"):
        if partition[0] == "grid":
            columns = len(partition[1][1]) - 1
            r, c = divmod(ids[n], columns)
            box = [*partition[1][0][r : r + 2], *partition[1][1][c : c + 2]]
            mask, size = np.ones((box[1] - box[0], box[3] - box[2]), bool), partition[2]
        else:
            box, size = boxes[n], [math.sqrt(areas[n])] * 2
            shape = (box[1] - box[0], box[3] - box[2])
            m = int.from_bytes(payload[:4], "little")
            bits = zlib.decompress(payload[4 : 4 + m]) if m else b"\xff" * math.prod(shape)
            mask = np.unpackbits(np.frombuffer(bits, np.uint8))[: math.prod(shape)].reshape(shape) == 1
            payload = payload[4 + m :]
        points = np.argwhere(mask) + np.array([box[0], box[2]])
        centre, half = frame
        if model[12] == "local":
            centre = [(box[0] + box[1] - 1) / 2, (box[2] + box[3] - 1) / 2]
            half = [math.sqrt(size[0] * size[1]) / 2] * 2  # both axes have the unit px
        v = network((points - centre) / half, model, shared, payload, weights, signal[6])
        low, high = signal[8:10]
        out[tuple((points - signal[5]).T)] = low + (v + 1) * (high - low) / 2
    return out


def network(x, model, shared, payload, weights, channels):
    """Run the network of one region at coordinates [point, axis]."""
    _, activation, width, layers, first, hidden, scale, encoding, bands = model[:9]
    if encoding != "none":
        table = np.concatenate([2.0 ** (j - 1) * np.eye(2) for j in range(bands)])
        if encoding == "rff":
            table = np.frombuffer(shared, "<f4").reshape(model[9], 2).astype(float)
        x = np.concatenate([np.sin(x @ table.T), np.cos(x @ table.T)], -1)
    numbers = np.frombuffer(payload, {"float16": "<f2", "float32": "<f4"}[weights]).astype(float)
    wide = (2 if activation == "wire" else 1) * width
    sizes = [(x.shape[1], wide), *[(width, wide)] * layers, (width, channels)]
    for j, (rows, columns) in enumerate(sizes):
        w, numbers = numbers[: rows * columns].reshape(rows, columns), numbers[rows * columns :]
        b, numbers = numbers[:columns], numbers[columns:]
        z = x @ w + b
        x = OUT[model[11]](z) if j == layers + 1 else ACT[activation](z, hidden if j else first, scale)
    assert numbers.size == 0
    return x


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
def test_a_second_decoder_agrees(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = (textured(19, 26, 3) / 255).astype(np.float32)
    labels = np.random.default_rng(2).integers(0, 3, (19, 26), np.uint8)
    labels[4:9, 20:] = 7
    np.save("labels.npy", labels)
    field = api.fit(picture, hidden_features=5, steps=20, device="cpu", **case)
    expected = np.clip(second_decoder(api.to_bytes(field)), 0, 1)
    assert field.decode() == pytest.approx(expected, abs=2e-4)
    assert expected.std() > 0.01
