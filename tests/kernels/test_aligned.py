"""Small matrices: the answers are right, the same alone and among others, and one bad group spoils no other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from inrfit.kernels import aligned

SIZES = [1, 2, 3, 8, 9, 14, 19]


def symmetric(groups, n, seed=0):
    features = torch.tensor(np.random.default_rng(seed).normal(size=(groups, n, 50)), dtype=torch.float32)
    return features @ features.mT / 50


@pytest.mark.parametrize("n", SIZES)
def test_eigenvectors_are_those_of_the_matrix(n):
    matrix = symmetric(4, n)
    basis = aligned.eigenbasis(matrix)
    assert torch.allclose(basis.mT @ basis, torch.eye(n).expand(4, n, n), atol=1e-5)
    turned = basis.mT @ matrix @ basis
    assert torch.allclose(turned, torch.diag_embed(turned.diagonal(dim1=1, dim2=2)), atol=1e-5)


@pytest.mark.parametrize("n", SIZES)
def test_a_system_is_solved(n):
    matrix = symmetric(4, n) + torch.eye(n)
    right = symmetric(4, n, seed=1)[:, :, : max(1, n // 2)]
    assert torch.allclose(matrix @ aligned.solved(matrix, right), right, atol=1e-4)


@pytest.mark.parametrize("n", SIZES)
def test_a_group_has_the_same_bits_alone(n):
    matrix, right = symmetric(5, n) + torch.eye(n), symmetric(5, n, seed=1)
    together = aligned.eigenbasis(matrix), aligned.solved(matrix, right), aligned.product(matrix, right)
    for group in range(5):
        row = slice(group, group + 1)
        own, other = aligned.copy(matrix[row]), aligned.copy(right[row])
        alone = aligned.eigenbasis(own), aligned.solved(own, other), aligned.product(own, other)
        # `product` is for arrays that are aligned, which plain ones become by a copy.
        whole = (*together[:2], aligned.product(aligned.copy(matrix), aligned.copy(right)))
        for one, all_ in zip(alone, whole, strict=True):
            assert torch.equal(one[0], all_[group])


def test_groups_begin_at_cache_lines():
    values = aligned.zeros(3, 5, 7)
    assert all(row.data_ptr() % 64 == values.data_ptr() % 64 for row in values)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_matrix_that_is_not_finite_spoils_no_other(bad):
    matrix = symmetric(3, 6) + torch.eye(6)
    good = aligned.eigenbasis(matrix)
    matrix[1, 2, 3] = bad
    assert torch.equal(aligned.eigenbasis(matrix)[[0, 2]], good[[0, 2]])
    solution = aligned.solved(matrix, matrix.nan_to_num(0, 0, 0))
    assert torch.allclose(solution[[0, 2]], torch.eye(6).expand(2, 6, 6), atol=1e-4)


def test_a_matrix_of_zeros_gives_zeros():
    assert not aligned.solved(torch.zeros(2, 3, 3), torch.zeros(2, 3, 2)).any()
