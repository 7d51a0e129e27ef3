"""A kernel that tests launch: sines and cosines as the fused kernel computes them; importing it needs triton."""

import triton
import triton.language as tl

from inrfit.kernels.triton_kernels import sin_cos


@triton.jit
def sines(x, values, count, BLOCK: tl.constexpr):
    """Write the sines of x, then the cosines."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    sine, cosine = sin_cos(tl.load(x + i))
    tl.store(values + i, sine)
    tl.store(values + count + i, cosine)
