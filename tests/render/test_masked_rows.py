"""The samples of a region with a mask, listed for some rows only: the same tiles, places and indices as of all."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit.domain import image_domain
from inrfit.partitions import Region
from inrfit.render import lattice as room
from inrfit.render.lattice import lattice_of, region_samples
from inrfit.render.tiles import tiles_in


def test_the_rows_of_a_window_give_the_same_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "AT_ONCE", 50)
    rng, met = np.random.default_rng(0), 0
    for case in range(200):
        shape = tuple(int(n) for n in rng.integers(3, 40, 2))
        size = shape if case % 2 else tuple(int(n) for n in rng.integers(2, 60, 2))
        box, rows = (
            [tuple(np.sort(rng.choice(n + 1, 2, replace=False)).tolist()) for n in shape] for _ in range(2)
        )
        mask = rng.random([b - a for a, b in box]) < rng.choice([0.05, 0.5, 0.95])
        region = Region(id=0, box=tuple(box), nominal=(1.0, 1.0), mask=mask)
        lattice = lattice_of(image_domain(*shape), size, (rows[0], (0, shape[1])), channels=1)
        tile = int(rng.choice([1, 3, 8, 64]))
        whole, part = region_samples(region, lattice), region_samples(region, lattice, tile=tile)
        assert part.count == whole.count
        tiles = list(tiles_in(whole, lattice.fine, tile))
        assert list(tiles_in(part, lattice.fine, tile)) == tiles
        for ranks in tiles:
            assert np.array_equal(part.places(ranks), whole.places(ranks))
            assert np.array_equal(part.index(np.array(ranks)), whole.index(np.array(ranks)))
        met += len(tiles)
    assert met > 500


def test_a_few_rows_of_a_large_mask_list_few_samples() -> None:
    mask = np.ones((4000, 500), bool)
    mask[0, 0] = False
    region = Region(id=0, box=((0, 4000), (0, 500)), nominal=(1.0, 1.0), mask=mask)
    lattice = lattice_of(image_domain(4000, 500), (4000, 500), ((2000, 2002), (0, 2)), channels=1)
    found = region_samples(region, lattice, tile=1024)
    assert found.count == 4000 * 500 - 1
    assert found.inside is not None
    assert len(found.inside) < 6000
