"""What must hold of everything that has a name: checks for packages that add some, and for inrfit's own contract tests.

Each is a plain function that takes a name of the table, and raises an AssertionError with a sentence where the contract is
broken. No test runner is needed.
"""

from inrfit.testing.meta import check_meta_learner
from inrfit.testing.networks import check_activation, check_encoding, check_kernel, check_model, check_output
from inrfit.testing.parts import check_metric, check_optimiser, check_partition, check_schedule
from inrfit.testing.signals import check_signal

__all__ = [
    "check_activation",
    "check_encoding",
    "check_kernel",
    "check_meta_learner",
    "check_metric",
    "check_model",
    "check_optimiser",
    "check_output",
    "check_partition",
    "check_schedule",
    "check_signal",
]
