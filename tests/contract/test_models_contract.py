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


@pytest.fixture(scope="module")
def field(request):
    """The field of a case, fitted once: pytest runs the tests of a case one after the other."""
    return fitted(request.param)


each_case = pytest.mark.parametrize("field", CASES, ids=ids, indirect=True)


@each_case
def test_a_file_holds_the_field_exactly(field):
    networks.keeps_its_field(field)


@each_case
def test_selecting_and_decoding_commute(field):
    networks.decodes_alone(field)


@each_case
def test_gradients_agree_with_differences(field):
    networks.slopes(networks.described(field.model))


@pytest.mark.parametrize("activation", registry.names("activation"))
def test_every_activation_learns(activation):
    networks.learns(model="partitioned", activation=activation)
