"""A second decoder, written from `docs/format.md` alone in double precision, gives what inrfit decodes."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
from make.data import textured
from make.format import Stream, cut

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
    {"activation": "sine", "grid": (2, 2), "weights": "float16"},
    {"model": "composer", "encoding": "rff", "features": 3, "grid": (1, 2), "weights": "float16"},
    {"model": "composer", "encoding": "rff", "features": 3, "grid": (1, 2)},
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
    {"model": "local-global", "grid": (2, 3), "trunk_features": 6, "trunk_frame": "global"},
    {"model": "local-global", "partition": "labels.npy", "weights": "float32"},
    {"model": "local-global", "activation": "finer", "grid": (2, 2), "frame": "global", "hidden_layers": 1},
    {"model": "local-global", "activation": "relu", "encoding": "rff", "features": 3, "grid": (2, 2)},
    {"model": "local-global", "activation": "wire", "encoding": "harmonic", "bands": 2, "grid": (2, 2)},
    {"model": "composer", "grid": (2, 3), "encoding": "geometric", "features": 6, "sigma": 5.0},
    {"model": "composer", "grid": (2, 2), "activation": "relu", "modulated": 3},
    {"model": "composer", "partition": "seg", "heads": 3, "activation": "wire", "modulated": 0},
    {"model": "feature-grid", "grid": (2, 3)},
    {"model": "feature-grid", "partition": "labels.npy", "pitch": 1.5, "weights": "float32"},
    {
        "model": "feature-grid",
        "grid": (2, 2),
        "levels": 2,
        "feature_channels": 2,
        "encoding": "rff",
        "features": 3,
    },
    {"model": "feature-grid", "partition": "none", "activation": "wire", "encoding": "harmonic", "bands": 2},
]


def second_decoder(data):
    """Return the samples of an image before they are clipped and rounded, [height, width, channel]."""
    head, index, shared, parts = cut(data)
    signal, model, partition, frame, weights = head[:5]
    coding = head[11] if weights in ("quantised", "contextual") else None
    local = 2 * (model[3] + 2)  # arrays of a region
    if model[0] in ("composer", "feature-grid"):
        local = 1 if model[0] == "composer" else model[17]
    ids, _, boxes, areas = index[:4]
    out = np.full((*signal[1], signal[6]), np.nan)
    for n, payload in enumerate(parts):
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
        middle = np.array([(box[0] + box[1] - 1) / 2, (box[2] + box[3] - 1) / 2])
        near = (points - middle) / (math.sqrt(size[0] * size[1]) / 2)  # both axes have the unit px
        whole = (points - np.array(frame[0])) / np.array(frame[1])
        folded = np.where(np.abs(whole) > 1, 1 - np.abs((whole + 1) % 4 - 2), whole)
        x = near if model[12] == "local" else whole
        t = near if model[14] == "local" else folded
        if coding:
            first = len(coding[0]) - local
            ours, own = Integers(shared, coding, 0, first), Integers(payload, coding, first, len(coding[0]))
        else:
            ours, own = Numbers(shared, weights), Numbers(payload, weights)
        v = network(x, t, model, ours, own, signal[6])
        low, high = signal[8:10]
        out[tuple((points - signal[5]).T)] = low + (v + 1) * (high - low) / 2
    return out


class Numbers:
    """Arrays one after the other."""

    def __init__(self, payload, kind):
        self.payload, self.kind = payload, {"float16": "<f2", "float32": "<f4"}[kind]

    def take(self, rows, columns, kind=None, lattice=None):
        kind = kind or self.kind
        size = rows * columns * int(kind[-1])
        array, self.payload = np.frombuffer(self.payload[:size], kind), self.payload[size:]
        return array.reshape(rows, columns).astype(float)

    def end(self):
        assert not self.payload


class Integers:
    """Quantised arrays: those that are not trained, then a stream."""

    def __init__(self, payload, coding, first, last):
        self.payload, self.coding, self.stream = payload, coding, None
        self.exponents = coding[0][first:last]
        self.contexts = coding[3][first:last] if len(coding) > 3 else [[]] * (last - first)

    def take(self, rows, columns, kind=None, lattice=None):
        if kind:
            assert self.stream is None
            size = rows * columns * int(kind[-1])
            array, self.payload = np.frombuffer(self.payload[:size], kind), self.payload[size:]
            return array.reshape(rows, columns).astype(float)
        if self.stream is None:
            self.stream = Stream(self.payload, self.coding[1], self.coding[2])
        step = np.float32(2.0 ** (self.exponents.pop(0) / 32))
        context = self.contexts.pop(0)
        read = (
            self.stream.lattice(lattice, columns, context)
            if context
            else self.stream.integers(rows * columns)
        )
        integers = np.array(read).reshape(rows, columns)
        return (integers.astype(np.float32) * step).astype(float)

    def end(self):
        assert not self.exponents
        if self.stream is not None:
            self.stream.end()


def network(x, t, model, shared, own, channels):
    """Run the network of one region at its coordinates and those of the trunk, [point, axis]."""
    name, activation, width, layers, first, hidden, scale, encoding, bands, features = model[:10]
    found = x[:, :0]
    if name == "feature-grid":
        found = looked_up(x, model, own)
    if encoding != "none":
        table = np.concatenate([2.0 ** (j - 1) * np.eye(2) for j in range(bands)])
        if encoding == "rff":
            table = shared.take(features, 2, "<f4")
        if encoding == "geometric":
            n = features // 2
            ratios = [math.exp(j * math.log(model[10]) / (n - 1)) for j in range(n)]
            table = np.concatenate([math.pi * f * np.eye(2) for f in ratios])
        x, t = (np.concatenate([np.sin(c @ table.T), np.cos(c @ table.T)], -1) for c in (x, t))
    if name == "feature-grid":
        x = np.concatenate([found, x] if encoding != "none" else [found], -1)
    double, act = 2 if activation == "wire" else 1, ACT[activation]
    trunk, merge = [], None
    if name == "local-global":
        for j in range(layers + 1):
            fan_in = model[13] if j else t.shape[1]
            trunk.append((shared.take(fan_in, double * model[13]), shared.take(1, double * model[13])))
        merge = [shared.take(rows, double * width) for rows in (width, model[13], 1)]
    composed = name in ("composer", "feature-grid")
    apart = model[16] if name == "composer" else None
    for j in range(layers + 1):
        fan_in = width if j else x.shape[1]
        weight = (shared if composed and j != apart else own).take(fan_in, double * width)
        x = x @ weight + (shared if composed else own).take(1, double * width)
        x = act(x, hidden if j else first, scale)
        if merge is not None:
            t = act(t @ trunk[j][0] + trunk[j][1], hidden if j else model[15], scale)
            x = act(x @ merge[0] + t @ merge[1] + merge[2], hidden, scale)
    weight = (shared if composed and layers + 1 != apart else own).take(width, channels)
    x = OUT[model[11]](x @ weight + (shared if composed else own).take(1, channels))
    own.end()
    shared.end()
    return x


def looked_up(x, model, own):
    """Return the features of every level at coordinates [point, axis]."""
    levels, channels, lattice, extent = model[17:21]
    found = []
    for level in range(levels):
        n = np.ceil((np.array(lattice) - 1) / 2**level).astype(int) + 1
        table = own.take(math.prod(n), channels, lattice=n.tolist()).reshape(*n, channels)
        p = np.clip((x / (np.array(extent) if extent else 1) + 1) * (n - 1) / 2, 0, n - 1)
        low = np.floor(p).astype(int)
        y, x_ = (p - low).T[:, :, None]
        high = np.minimum(low + 1, n - 1)
        rows = [table[r, low[:, 1]] * (1 - x_) + table[r, high[:, 1]] * x_ for r in (low[:, 0], high[:, 0])]
        found.append(rows[0] * (1 - y) + rows[1] * y)
    return np.concatenate(found, -1)


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
