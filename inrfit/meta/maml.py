"""MAML with learned rates (Meta-SGD, MetaSDF): one start for every region, by the error after a few steps from it.

Source: Finn et al., ICML 2017; Li et al., arXiv 1707.09835 (Meta-SGD); Sitzmann et al., NeurIPS 2020 (MetaSDF); Liu
et al., ICCV 2023 (Partition Matters) for one start shared by the networks of all regions.
"""

from __future__ import annotations

from inrfit.meta.learner import Learner


class Maml(Learner):
    """All weights of a region's own adapt; what regions share, such as a trunk, is learned and stays."""
