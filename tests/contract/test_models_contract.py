"""What every model, activation and encoding of the registry must do, by name."""

from __future__ import annotations

import pytest
import torch

from inrfit import registry
from inrfit.device import pick_device
from inrfit.kernels.reference import Reference
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


@each_case
@pytest.mark.parametrize("kernel", registry.names("kernel"))
def test_two_passes_find_what_one_does(field, kernel):
    description = networks.described(field.model)
    made = registry.load("kernel", kernel)
    if made.refuses(description, pick_device("cpu", 1)) is None:
        weights, batch = networks.task(description, torch.float32)
        networks.two_passes(made(description), weights, batch, kernel)


@each_case
def test_in_double_precision_two_passes_find_the_same_but_for_its_rounding(field):
    description = networks.described(field.model)
    weights, batch = networks.task(description, torch.float64)
    networks.two_passes(Reference(description), weights, batch, "reference", 1e-13)


@pytest.mark.parametrize("activation", registry.names("activation"))
def test_every_activation_learns(activation):
    networks.learns(model="partitioned", activation=activation)
