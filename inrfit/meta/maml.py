"""MAML with learned rates (Meta-SGD, MetaSDF): one start for every region, by the error after a few steps from it.

Source: Finn et al., ICML 2017; Li et al., arXiv 1707.09835 (Meta-SGD); Sitzmann et al., NeurIPS 2020 (MetaSDF); Liu
et al., ICCV 2023 (Partition Matters) for one start shared by the networks of all regions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from inrfit.meta import inner
from inrfit.meta.learner import Learner, Numbers
from inrfit.meta.tasks import Tasks


class Maml(Learner):
    """All weights of a region's own adapt; what regions share, such as a trunk, is learned and stays.

    What is learned descends the errors after the inner steps: so do most learners, which derive from it.
    """

    def outer_gradients(self, params: Numbers, tasks: Tasks) -> tuple[dict[str, Tensor], Tensor]:
        """Return the gradients of the errors after the inner steps, and those errors; see `Learner`."""
        with torch.enable_grad():
            through = self.config.order == "second"
            *_, adapted = inner.steps(self, params, tasks, self.config.inner_steps, through=through)
            mse = inner.signal_mse(inner.errors(self, self.weights(params, adapted), tasks), tasks)
            found = self.gradients(params, mse)
        return found, mse.detach()
