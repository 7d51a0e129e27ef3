"""Small matrices with a group axis whose results do not depend on how many groups there are; nothing is learned here.

BLAS and LAPACK may round otherwise where a matrix begins elsewhere in a cache line, and the matrices of a plain stack do.
Here every group begins at a multiple of 64 bytes, so that a group gives the same bits alone and among others.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LINE = 16
"""Floats in 64 bytes."""


def zeros(groups: int, rows: int, columns: int, device: torch.device | str = "cpu") -> Tensor:
    """Return zeros [group, row, column]."""
    stride = LINE * math.ceil(rows * columns / LINE)
    flat = torch.zeros(groups * stride, device=device)
    return flat.as_strided((groups, rows, columns), (stride, columns, 1))


def copy(values: Tensor) -> Tensor:
    """Return a copy of [group, row, column]."""
    return zeros(*values.shape, device=values.device).copy_(values)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return the products of matrices [group, row, inner] and [group, inner, column]."""
    return torch.bmm(a, b, out=zeros(a.shape[0], a.shape[1], b.shape[2], a.device))


def eigenbasis(symmetric: Tensor) -> Tensor:
    """Return the eigenvectors of symmetric matrices [group, n, n] as columns; any basis of one that is not finite."""
    n = symmetric.shape[-1]
    symmetric = _finite(symmetric)
    whole = _padded(symmetric, 4 * math.ceil(n / 4), 4 * math.ceil(n / 4))
    # The padding gets the largest eigenvalues, whose vectors come last and have no part in the others.
    largest = 2 * symmetric.diagonal(dim1=1, dim2=2).sum(-1, keepdim=True) + 1
    whole.diagonal(dim1=1, dim2=2)[:, n:] = largest
    return copy(torch.linalg.eigh(whole)[1][:, :n, :n])


def solved(matrix: Tensor, right: Tensor) -> Tensor:
    """Return X with `matrix` [group, n, n] X = `right` [group, n, column]; 0 where the matrix is 0 or not finite."""
    _, n, columns = right.shape
    size = 4 * math.ceil(n / 4)
    whole = _padded(_finite(matrix), size, size)
    empty = ~whole.any(dim=2).any(dim=1)
    whole.diagonal(dim1=1, dim2=2)[:, n:] = 1
    whole.diagonal(dim1=1, dim2=2)[:, :n] += empty[:, None].to(whole.dtype)
    return torch.linalg.solve(whole, _padded(right, size, 4 * math.ceil(columns / 4)))[:, :n, :columns]


def _finite(values: Tensor) -> Tensor:
    """Return matrices with 0 in place of those that are not finite, which LAPACK would refuse along with all others."""
    good = values.isfinite().all(dim=2).all(dim=1)
    return torch.where(good[:, None, None], values, 0.0)


def _padded(values: Tensor, rows: int, columns: int) -> Tensor:
    """Return [group, row, column] with zeros after it."""
    whole = values.new_zeros((values.shape[0], rows, columns))
    whole[:, : values.shape[1], : values.shape[2]] = values
    return whole
