"""What every meta-learner of the registry must do, by name."""

from __future__ import annotations

import pytest

from inrfit import registry
from inrfit.testing import check_meta_learner

CASES = [
    (method, model)
    for method in registry.names("meta")
    for model in registry.load("meta", method).models
    if model in registry.names("model")
]


@pytest.mark.parametrize(("method", "model"), CASES, ids=map("-".join, CASES))
def test_it_learns_and_adapts(method: str, model: str) -> None:
    check_meta_learner(method, model)
