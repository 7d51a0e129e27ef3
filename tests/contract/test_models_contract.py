"""What every model, activation and encoding of the registry must do, by name."""

from __future__ import annotations

import pytest

from inrfit import registry
from inrfit.testing import networks

CASES = [
    {"model": model, "activation": activation, "encoding": encoding, "output_activation": output}
    for model in registry.names("model")
    for activation in registry.names("activation")
    for encoding in registry.names("encoding")
    for output in registry.names("output")
    if encoding == "none" or (activation in ("sine", "relu") and output == "linear")
]


def ids(case):
    return "-".join(case.values())


def fitted(case):
    return networks.fitted(**case)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_file_holds_the_field_exactly(case):
    networks.keeps_its_field(fitted(case))


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_selecting_and_decoding_commute(case):
    networks.decodes_alone(fitted(case))


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_gradients_agree_with_differences(case):
    networks.slopes(networks.described(fitted(case).model))


@pytest.mark.parametrize("activation", registry.names("activation"))
def test_every_activation_learns(activation):
    networks.learns(model="partitioned", activation=activation)
