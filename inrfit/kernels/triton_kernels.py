# type: ignore
# ruff: noqa: RUF005
"""The device code of `triton_fused`, which explains it; importing this module needs triton.

Sizes in capitals are known when a kernel is compiled. Matrices are padded with zeros to powers of two, at least 16,
the least that a product takes; what is loaded and stored is never padded. Triton compiles these functions itself:
types are not those that a checker sees, and tuples grow by sums only, whence the first two lines.
"""

import triton
import triton.language as tl

INTERPRETED = triton.knobs.runtime.interpret
"""Whether the functions below run in Triton's interpreter."""

INVERSE_PI = tl.constexpr(0.3183098861837907)
"""1 / pi."""

PI_HIGH = tl.constexpr(3.140625)
"""Leading 8 bits of pi: its products with whole numbers below 2^16 are exact in float32."""

PI_MIDDLE = tl.constexpr(0.0009675025939941406)
"""The next 12 significant bits of pi: exact products below 2^12."""

PI_LOW = tl.constexpr(1.5099579909783765e-07)
"""What is left of pi."""

ROUND = tl.constexpr(12582912.0)
"""1.5 * 2^23: adding it to a float32 rounds it to a whole number, whose parity is then the lowest bit."""


@triton.jit
def count(numbers, COUNT: tl.constexpr):
    """Write 0, 1, 2, ...: what is launched to see whether anything can be."""
    i = tl.arange(0, COUNT)
    tl.store(numbers + i, i.to(tl.float32))


@triton.jit
def sin_cos(x):
    """Return sin x and cos x of float32: x = n pi + r, then polynomials of r on [-pi/2, pi/2].

    n pi is taken off in three parts whose products are exact. The coefficients are minimax fits: 5e-9 for the sine,
    2.5e-10 for the cosine, below the rounding of float32.
    """
    shifted = x * INVERSE_PI + ROUND
    n = shifted - ROUND
    r = x - n * PI_HIGH
    r = r - n * PI_MIDDLE
    r = r - n * PI_LOW
    s = r * r
    sine = 2.6000240982e-06
    sine = sine * s - 1.98066019584e-04
    sine = sine * s + 8.33301709710e-03
    sine = sine * s - 1.66666570888e-01
    sine = sine * s * r + r
    cosine = -2.60768173e-07
    cosine = cosine * s + 2.476187069353e-05
    cosine = cosine * s - 1.388840322248e-03
    cosine = cosine * s + 4.166664070772e-02
    cosine = cosine * s - 4.99999995491e-01
    cosine = cosine * s + 1.0
    odd = shifted.to(tl.int32, bitcast=True) << 31
    sine = (sine.to(tl.int32, bitcast=True) ^ odd).to(tl.float32, bitcast=True)
    cosine = (cosine.to(tl.int32, bitcast=True) ^ odd).to(tl.float32, bitcast=True)
    return sine, cosine


@triton.jit
def activated(KIND: tl.constexpr, z, z2, omega, scale):
    """Return an activation and its derivatives by z and by z2, which only `wire` has."""
    if KIND == "sine":
        sine, cosine = sin_cos(z * omega)
        return sine, cosine * omega, z
    elif KIND == "finer":
        size = tl.abs(z)
        sine, cosine = sin_cos((size + 1) * z * omega)
        return sine, cosine * (2 * size + 1) * omega, z
    elif KIND == "relu":
        return tl.maximum(z, 0.0), tl.where(z > 0, 1.0, 0.0), z
    elif KIND == "gauss":
        h = tl.exp(-(z * omega) * (z * omega))
        return h, -2 * omega * omega * z * h, z
    else:  # wire
        envelope = tl.exp(-(z2 * scale) * (z2 * scale))
        sine, cosine = sin_cos(z * omega)
        h = cosine * envelope
        return h, -omega * sine * envelope, -2 * scale * scale * z2 * h


@triton.jit
def output(KIND: tl.constexpr, z):
    """Return an output activation and its derivative."""
    if KIND == "sigmoid":  # 2 sigmoid(z) - 1 = tanh(z / 2)
        small = tl.exp(-tl.abs(z))
        h = (1 - small) / (1 + small)
        h = tl.where(z < 0, -h, h)
        return h, (1 - h * h) * 0.5
    else:
        return z, tl.full(z.shape, 1.0, tl.float32)


@triton.jit
def product(a, b, total, PRECISION: tl.constexpr):
    """Return total + a b, added up in float32 whatever the factors are rounded to."""
    if PRECISION == "bf16":
        return tl.dot(a.to(tl.bfloat16), b.to(tl.bfloat16), acc=total)
    else:
        return tl.dot(a, b, acc=total, input_precision=PRECISION)


@triton.jit
def matrix(
    start,
    group,
    part,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    PARTS: tl.constexpr,
    PADDED_ROWS: tl.constexpr,
    PADDED_COLUMNS: tl.constexpr,
):
    """Return one of the PARTS column blocks of a group's [ROWS, PARTS * COLUMNS] matrix, padded with zeros."""
    i, j = tl.arange(0, PADDED_ROWS)[:, None], tl.arange(0, PADDED_COLUMNS)[None, :]
    start += group * (ROWS * PARTS * COLUMNS) + part * COLUMNS
    return tl.load(start + i * (PARTS * COLUMNS) + j, mask=(i < ROWS) & (j < COLUMNS), other=0.0)


@triton.jit
def put_matrix(
    start,
    part,
    values,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    PARTS: tl.constexpr,
    PADDED_ROWS: tl.constexpr,
    PADDED_COLUMNS: tl.constexpr,
):
    """Store one of the PARTS column blocks of a [ROWS, PARTS * COLUMNS] matrix."""
    i, j = tl.arange(0, PADDED_ROWS)[:, None], tl.arange(0, PADDED_COLUMNS)[None, :]
    at = start + part * COLUMNS + i * (PARTS * COLUMNS) + j
    tl.store(at, values, mask=(i < ROWS) & (j < COLUMNS))


@triton.jit
def load_weights(
    weights,
    biases,
    group,
    IN: tl.constexpr,
    HIDDEN: tl.constexpr,
    OUT: tl.constexpr,
    IN_PAD: tl.constexpr,
    WIDTH: tl.constexpr,
    OUT_PAD: tl.constexpr,
    LAYERS: tl.constexpr,
    PARTS: tl.constexpr,
):
    """Return the padded matrices and biases of a group: those of every layer, part by part, then of the output."""
    ws = ()
    bs = ()
    for layer in tl.static_range(LAYERS):
        for part in tl.static_range(PARTS):
            if layer == 0:
                w = matrix(weights[0], group, part, IN, HIDDEN, PARTS, IN_PAD, WIDTH)
            else:
                w = matrix(weights[layer], group, part, HIDDEN, HIDDEN, PARTS, WIDTH, WIDTH)
            ws = ws + (w,)
            bs = bs + (matrix(biases[layer], group, part, 1, HIDDEN, PARTS, 1, WIDTH),)
    ws = ws + (matrix(weights[LAYERS], group, 0, HIDDEN, OUT, 1, WIDTH, OUT_PAD),)
    bs = bs + (matrix(biases[LAYERS], group, 0, 1, OUT, 1, 1, OUT_PAD),)
    return ws, bs


@triton.jit
def no_gradients(
    IN_PAD: tl.constexpr,
    WIDTH: tl.constexpr,
    OUT_PAD: tl.constexpr,
    LAYERS: tl.constexpr,
    PARTS: tl.constexpr,
):
    """Return zeros in the shapes of `load_weights`, biases with 16 rows."""
    ws = ()
    bs = ()
    for layer in tl.static_range(LAYERS):
        for _part in tl.static_range(PARTS):
            if layer == 0:
                ws = ws + (tl.zeros([IN_PAD, WIDTH], tl.float32),)
            else:
                ws = ws + (tl.zeros([WIDTH, WIDTH], tl.float32),)
            bs = bs + (tl.zeros([16, WIDTH], tl.float32),)
    ws = ws + (tl.zeros([WIDTH, OUT_PAD], tl.float32),)
    bs = bs + (tl.zeros([16, OUT_PAD], tl.float32),)
    return ws, bs


@triton.jit
def affine(x, w, b, PRECISION: tl.constexpr):
    """Return x w + b for b [1, column]."""
    return product(x, w, tl.broadcast_to(b, [x.shape[0], b.shape[1]]), PRECISION)


@triton.jit
def forward(
    x,
    ws,
    bs,
    omegas,
    scales,
    KIND: tl.constexpr,
    LAYERS: tl.constexpr,
    PARTS: tl.constexpr,
    PRECISION: tl.constexpr,
    FIRST: tl.constexpr,
):
    """Return the output before its activation, and (h, slope, slope by z2) of every layer."""
    h = x
    kept = ()
    for layer in tl.static_range(LAYERS):
        z = affine(h, ws[layer * PARTS], bs[layer * PARTS], FIRST if layer == 0 else PRECISION)
        z2 = z
        if PARTS == 2:
            z2 = affine(h, ws[layer * 2 + 1], bs[layer * 2 + 1], FIRST if layer == 0 else PRECISION)
        h, d, d2 = activated(KIND, z, z2, omegas[layer], scales[layer])
        kept = kept + ((h, d, d2),)
    return affine(h, ws[LAYERS * PARTS], bs[LAYERS * PARTS], PRECISION), kept


@triton.jit
def backward(x, dz, ws, kept, dws, dbs, LAYERS: tl.constexpr, PARTS: tl.constexpr, PRECISION: tl.constexpr):
    """Return the weight gradients dws, dbs with those of a block added; dz [point, out] is the output's.

    A bias sees the input 1 at every point, so its gradient is a product too, with the same row 16 times.
    """
    ones = tl.full([16, x.shape[0]], 1.0, tl.float32)
    h, d, d2 = kept[LAYERS - 1]
    new_ws = (product(tl.trans(h), dz, dws[LAYERS * PARTS], PRECISION),)
    new_bs = (product(ones, dz, dbs[LAYERS * PARTS], PRECISION),)
    none = tl.zeros([x.shape[0], ws[0].shape[1]], tl.float32)
    dh = product(dz, tl.trans(ws[LAYERS * PARTS]), none, PRECISION)
    for back in tl.static_range(1, LAYERS + 1):  # the layer is LAYERS - back
        dz = dh * d
        dz2 = dh * d2
        if back == LAYERS:
            h = x
        else:
            h, d, d2 = kept[LAYERS - 1 - back]
        if PARTS == 2:
            new_ws = (product(tl.trans(h), dz2, dws[(LAYERS - back) * 2 + 1], PRECISION),) + new_ws
            new_bs = (product(ones, dz2, dbs[(LAYERS - back) * 2 + 1], PRECISION),) + new_bs
        new_ws = (product(tl.trans(h), dz, dws[(LAYERS - back) * PARTS], PRECISION),) + new_ws
        new_bs = (product(ones, dz, dbs[(LAYERS - back) * PARTS], PRECISION),) + new_bs
        if back < LAYERS:
            dh = product(dz, tl.trans(ws[(LAYERS - back) * PARTS]), none, PRECISION)
            if PARTS == 2:
                dh = product(dz2, tl.trans(ws[(LAYERS - back) * 2 + 1]), dh, PRECISION)
    return new_ws, new_bs


@triton.jit
def store_gradients(
    start,
    dws,
    dbs,
    IN: tl.constexpr,
    HIDDEN: tl.constexpr,
    OUT: tl.constexpr,
    IN_PAD: tl.constexpr,
    WIDTH: tl.constexpr,
    OUT_PAD: tl.constexpr,
    LAYERS: tl.constexpr,
    PARTS: tl.constexpr,
):
    """Store the gradients of one program one after the other: weight and bias of every layer, unpadded."""
    for layer in tl.static_range(LAYERS):
        for part in tl.static_range(PARTS):
            w, b = dws[layer * PARTS + part], dbs[layer * PARTS + part]
            if layer == 0:
                put_matrix(start, part, w, IN, HIDDEN, PARTS, IN_PAD, WIDTH)
                put_matrix(start + IN * PARTS * HIDDEN, part, b, 1, HIDDEN, PARTS, 16, WIDTH)
            else:
                put_matrix(start, part, w, HIDDEN, HIDDEN, PARTS, WIDTH, WIDTH)
                put_matrix(start + HIDDEN * PARTS * HIDDEN, part, b, 1, HIDDEN, PARTS, 16, WIDTH)
        start += ((IN if layer == 0 else HIDDEN) + 1) * PARTS * HIDDEN
    put_matrix(start, 0, dws[LAYERS * PARTS], HIDDEN, OUT, 1, WIDTH, OUT_PAD)
    put_matrix(start + HIDDEN * OUT, 0, dbs[LAYERS * PARTS], 1, OUT, 1, 16, OUT_PAD)


@triton.jit
def block_of(start, rows, last, COLUMNS: tl.constexpr, PADDED: tl.constexpr):
    """Return rows of a [point, COLUMNS] matrix, padded with zeros on both axes."""
    j = tl.arange(0, PADDED)[None, :]
    return tl.load(start + rows * COLUMNS + j, mask=(rows < last) & (j < COLUMNS), other=0.0)


@triton.jit
def forward_backward(
    features,
    targets,
    mask,
    weight,
    owner,
    slot,
    weights,
    biases,
    omegas,
    scales,
    partials,
    errors,
    points,
    span,
    split,
    SIZE: tl.constexpr,
    BLOCK: tl.constexpr,
    IN: tl.constexpr,
    HIDDEN: tl.constexpr,
    OUT: tl.constexpr,
    IN_PAD: tl.constexpr,
    WIDTH: tl.constexpr,
    OUT_PAD: tl.constexpr,
    LAYERS: tl.constexpr,
    PARTS: tl.constexpr,
    KIND: tl.constexpr,
    OUTPUT: tl.constexpr,
    PRECISION: tl.constexpr,
    FIRST: tl.constexpr,
):
    """Run `span` points of a tile forward and backward; a tile of `points` has `split` programs.

    Writes errors[program], and the sum of the points' weight gradients to a row of partials [program, SIZE]; the rows of
    one group lie together.
    """
    program = tl.program_id(0)
    tile = program // split
    part = program % split
    group = tl.load(owner + tile)
    ws, bs = load_weights(weights, biases, group, IN, HIDDEN, OUT, IN_PAD, WIDTH, OUT_PAD, LAYERS, PARTS)
    dws, dbs = no_gradients(IN_PAD, WIDTH, OUT_PAD, LAYERS, PARTS)
    error = tl.zeros([BLOCK], tl.float32)
    first = tile.to(tl.int64) * points
    last = tl.minimum((part + 1) * span, points)
    for start in range(part * span, last, BLOCK):
        rows = start + tl.arange(0, BLOCK)[:, None]
        x = block_of(features + first * IN, rows, last, IN, IN_PAD)
        z, kept = forward(x, ws, bs, omegas, scales, KIND, LAYERS, PARTS, PRECISION, FIRST)
        out, slope = output(OUTPUT, z)
        off = out - block_of(targets + first * OUT, rows, last, OUT, OUT_PAD)
        error += tl.sum(off * off * block_of(mask + first, rows, last, 1, 1), 1)
        dz = 2 * off * slope * block_of(weight + first, rows, last, 1, 1)
        dws, dbs = backward(x, dz, ws, kept, dws, dbs, LAYERS, PARTS, PRECISION)
    tl.store(errors + program, tl.sum(error, 0))
    row = tl.load(slot + tile).to(tl.int64) * split + part
    store_gradients(partials + row * SIZE, dws, dbs, IN, HIDDEN, OUT, IN_PAD, WIDTH, OUT_PAD, LAYERS, PARTS)


@triton.jit
def sum_by_group(
    partials,
    bounds,
    places,
    strides,
    gradients,
    SIZE: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Add up the rows of each group, always in the same order, and store them stack by stack.

    Args:
        partials: [row, SIZE], sorted by group.
        bounds: [group + 1], where the rows of each group begin.
        places, strides: [SIZE], where a column of group 0 is stored and how far the next group's is from it.
        gradients: all stacks, one after the other.
    """
    group = tl.program_id(0)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = columns < SIZE
    last = tl.load(bounds + group + 1)
    total = tl.zeros([COLUMNS], tl.float32)
    for start in range(tl.load(bounds + group), last, ROWS):
        rows = (start + tl.arange(0, ROWS))[:, None]
        at = partials + rows.to(tl.int64) * SIZE + columns[None, :]
        total += tl.sum(tl.load(at, mask=(rows < last) & inside[None, :], other=0.0), 0)
    place = tl.load(places + columns, mask=inside) + group.to(tl.int64) * tl.load(
        strides + columns, mask=inside
    )
    tl.store(gradients + place, total, mask=inside)
