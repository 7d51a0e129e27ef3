"""Which samples a step uses: spread over regions, spent by error, with those of neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from inrfit import api
from inrfit.codec.write import dumps
from inrfit.errors import Interrupted
from inrfit.fitting import loop
from inrfit.fitting.descent import Descent
from inrfit.fitting.progress import Progress
from inrfit.fitting.sampling import LEAST_SHARE, by_error, spread
from inrfit.fitting.start import Start
from inrfit.kernels.tiles import holds, region_samples
from inrfit.models.description import initial_weights
from inrfit.signal import ArraySignal

SMALL = {"grid": (2, 3), "hidden_features": 6, "hidden_layers": 1, "steps": 60, "device": "cpu"}


def plan_of(picture, **options):
    return api.plan(picture, **{**SMALL, **options})


def samples_of(picture, known=None, **options):
    """Return the samples of a fit, and its partition."""
    plan = plan_of(picture, **options)
    signal = replace(cast(ArraySignal, plan.signal), known=known)
    return Descent(plan, [signal], Start()).samples, plan.partition


class TestSpread:
    def test_it_is_in_proportion(self):
        assert spread(100, [1, 2, 7], [1000] * 3) == [10, 20, 70]

    def test_what_a_full_region_cannot_take_goes_to_the_others(self):
        assert spread(100, [8, 1, 1], [20, 100, 100]) == [20, 40, 40]

    def test_more_than_there_is_means_everything(self):
        assert spread(10_000, [5, 3], [50, 30]) == [50, 30]

    def test_every_region_gets_at_least_one(self):
        assert min(spread(3, [1e-9, 1, 1, 1, 1], [9] * 5)) == 1

    def test_by_error_a_hard_region_gets_more_and_an_easy_one_keeps_its_least_share(self):
        counts = by_error(1000, np.array([1.0, 1e-8, 1e-8]), [10_000] * 3)
        assert counts[0] > 800
        assert min(counts) >= LEAST_SHARE * 1000 / 3 - 1
        assert sum(counts) == pytest.approx(1000, abs=2)

    def test_by_error_goes_with_area_times_root_mean_square(self):
        counts = by_error(10**6, np.array([4.0, 1.0]), [10**8, 3 * 10**8])
        even, hard = np.array([0.25, 0.75]), np.array([0.4, 0.6])
        assert counts == pytest.approx(1e6 * (LEAST_SHARE * even + (1 - LEAST_SHARE) * hard), abs=1)

    def test_without_errors_it_is_even(self):
        assert by_error(90, np.zeros(2), [100, 200]) == [30, 60]


class TestOverlap:
    def test_a_cell_reaches_into_its_neighbours_and_stops_at_the_domain(self, picture):
        _, partition = samples_of(picture)
        corner = region_samples(partition.regions[0], 2, partition.domain.box)
        assert corner.start == (0, 0)
        assert corner.shape == tuple(n + 2 for n in partition.regions[0].shape)

    def test_a_segment_grows_by_the_samples_around_it(self, picture):
        partition = plan_of(picture, partition="seg", grid=None, heads=3).partition
        for region in partition.regions:
            grown = region_samples(region, 1, partition.domain.box)
            points = grown.index(np.arange(grown.count))
            own = holds(region, points)
            assert own.sum() == region.area
            distance = np.abs(points[~own][:, None] - points[own][None]).max(-1).min(-1)
            assert (distance == 1).all()

    def test_samples_of_neighbours_weigh_in_the_loss_and_not_in_what_is_told(self, picture):
        samples, partition = samples_of(picture, overlap=1)
        batch = samples.batch(samples.blocks[0], 0)
        assert (batch.weight > 0).sum() > batch.mask.sum() > 0
        told = sum(float(samples.batch(b, 0).mask.sum()) for b in samples.blocks)
        assert told == partition.domain.size

    def test_samples_without_a_target_do_not_count(self, picture):
        known = np.ones(picture.shape[:2], bool)
        known[:5] = False
        samples, _ = samples_of(picture, known=known)
        counted = sum(float(samples.batch(b, 0).weight.sum()) for b in samples.blocks)
        assert counted == known.sum()

    def test_a_network_learns_what_lies_beyond_its_border(self, picture):
        def beyond(overlap):
            field = api.fit(picture, **{**SMALL, "steps": 200, "overlap": overlap, "grid": (1, 2)})
            left = field.select([0])
            outside = left.frame.coords([[y, 18.0] for y in range(24)])
            return np.square(left(outside) - left.info.to_unit(picture[:, 18])).mean()

        assert beyond(2) < 0.5 * beyond(0)


@pytest.mark.parametrize(
    "options",
    [
        {"points": 150},
        {"points": 150, "sampling": "uniform"},
        {"model": "local-global", "trunk_features": 5, "points": 150},
        {"model": "local-global", "trunk_features": 5, "trunk_frame": "global", "overlap": 1},
        {"partition": "seg", "grid": None, "heads": 3, "overlap": 2},
    ],
)
def test_the_file_does_not_depend_on_threads_or_a_break(picture, options):
    whole = dumps(api.run(plan_of(picture, threads=1, **options)))
    assert dumps(api.run(plan_of(picture, threads=3, **options))) == whole
    seen, kept = [], []
    stopping = Progress(on_event=seen.append, stop=lambda: len(seen) >= 33, save=kept.append)
    with pytest.raises(Interrupted):
        api.run(plan_of(picture, threads=2, **options), progress=stopping)
    assert dumps(api.run(plan_of(picture, threads=2, **options), resume=kept[-1])) == whole


def test_samples_are_spent_where_the_error_is(picture):
    noisy = picture.copy()
    rows, columns = noisy.shape[0] // 2, noisy.shape[1] // 3
    noisy[:rows, :columns] = np.random.default_rng(0).integers(0, 256, (rows, columns, 3))
    plan = plan_of(noisy, points=300)
    fits = loop.Fits([plan], Progress())
    samples = fits.descent.samples
    before = list(samples.counts)
    fits.run(None)
    assert samples.counts[0] > 1.5 * before[0]
    assert sum(samples.counts) == pytest.approx(300, abs=6)


def test_frozen_stacks_and_their_bits_stay(picture):
    plan = plan_of(picture, model="local-global", trunk_features=5, steps=10)
    description = api.run(plan).description
    shared = [stack.name for stack in description.stacks if not stack.local]
    drawn = initial_weights(description, [region.id for region in plan.partition.regions], 7)
    weights = {name: drawn[name].astype(np.float16).astype(np.float32) for name in shared}
    start = Start(weights=weights, frozen=frozenset(shared))
    field = loop.fit(plan.begun(start))
    for name in shared:
        assert np.array_equal(field.weights[name], weights[name]), name
    assert not np.array_equal(field.weights["weight0"], drawn["weight0"])
