"""Composer: one multilayer perceptron for all regions, but for one weight matrix, which each region has of its own.

What regions share are patterns; the matrix of a region says how they are put together. A region costs one matrix, so a
field of many is small. Source: Kim et al., CVPR 2023, arXiv 2211.13223 ("Generalizable Implicit Neural Representations
via Instance Pattern Composers"), where the second layer is the one that is modulated.
"""

from __future__ import annotations

from dataclasses import replace

from inrfit.errors import ConfigError
from inrfit.models import mlp
from inrfit.models.config import ModelConfig
from inrfit.models.description import Description


def describe(config: ModelConfig, in_features: int, out_features: int) -> Description:
    """Describe the network of `mlp` with all stacks shared but the weight of layer `modulated`; biases are shared.

    Args:
        config: a resolved configuration: width and omegas are numbers.
        in_features: coordinates per sample.
        out_features: channels.

    Raises:
        ConfigError: there is no such layer.
    """
    last = config.hidden_layers + 1
    if config.modulated > last:
        raise ConfigError(
            f"--modulated {config.modulated} must lie between 0 and {last}, "
            f"the output layer behind {config.hidden_layers} hidden layers",
            hint="layer 1, the default, is the second",
        )
    whole = mlp.describe(config, in_features, out_features)
    own = modulated(config)
    return replace(whole, stacks=tuple(replace(stack, local=stack.name == own) for stack in whole.stacks))


def modulated(config: ModelConfig) -> str:
    """Return the name of the weight stack that each region has of its own."""
    return f"weight{config.modulated}"
