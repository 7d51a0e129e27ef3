"""One small network per region, independent of the others: SIREN-per-partition and its relatives.

The description is that of one network: its stacks have one group per region.
"""

from __future__ import annotations

from inrfit.models.mlp import describe

__all__ = ["describe"]
