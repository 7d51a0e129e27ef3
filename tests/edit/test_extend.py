"""Extension: the old part stays, the new one comes on every side, again and again, after crops and before them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.breaks import broken
from make.data import textured
from numpy.typing import NDArray

from inrfit import api, registry
from inrfit.codec.container import Reader
from inrfit.decibel import unit_decibel
from inrfit.edit import extend
from inrfit.edit.extend import HEADROOM
from inrfit.errors import ConfigError, InputError
from inrfit.field import Field, pooled_psnr
from inrfit.metrics.fidelity import psnr
from inrfit.partitions import join
from inrfit.signal import ArraySignal

PICTURE = textured(60, 72)
OLD = (slice(18, 42), slice(20, 52))
"""Rows and columns of `PICTURE` that are fitted first: 24 x 32 samples in 3 x 4 cells."""
QUICK: dict[str, Any] = {"steps": 2, "device": "cpu"}
GROWN = {
    "right": (OLD[0], slice(52, 72)),
    "left": (OLD[0], slice(0, 20)),
    "bottom": (slice(42, 60), OLD[1]),
    "top": (slice(0, 18), OLD[1]),
}
MODELS = [name for name in registry.names("model") if name != "mlp"]


def small(**words: Any) -> Field:
    """A field of the old part."""
    given = {"hidden_features": 6, "steps": 12, "grid": (3, 4), "device": "cpu", **words}
    if "partition" in words:
        del given["grid"]
    return api.fit(np.ascontiguousarray(PICTURE[OLD]), **given)


@pytest.fixture(scope="module", params=[*MODELS, "seg", "mlp"])
def old(request: pytest.FixtureRequest) -> Field:
    words = {
        "seg": {"partition": "seg", "heads": 4, "segmenter": "felzenszwalb"},
        "mlp": {"partition": "none"},
    }
    return small(**words.get(request.param, {"model": request.param}))


@pytest.fixture(scope="module")
def shared() -> Field:
    return small(model="local-global", steps=60)


def added(field: Field, side: str, new: NDArray[np.generic] | None = None, **words: Any) -> Field:
    part = np.ascontiguousarray(PICTURE[GROWN[side]]) if new is None else new
    return api.extend(field, part, side=side, **{**QUICK, **words})


def window(field: Field, of: Field) -> NDArray[np.generic]:
    """Decode the place of one field in another, from its file."""
    place = of.domain.box.from_origin(field.domain.origin)
    return api.decode(api.to_bytes(field), region=place, device="cpu")


def parts(field: Field) -> tuple[bytes, dict[tuple[Any, ...], bytes]]:
    """Return the payloads of a file: the shared one, and those of its regions by their box."""
    with Reader(api.to_bytes(field)) as reader:
        boxes = [region.box for region in field.partition.regions]
        return reader.shared, dict(zip(boxes, reader.parts(), strict=True))


@pytest.mark.parametrize("side", GROWN)
def test_strict_leaves_every_bit_of_the_old_part(old: Field, side: str) -> None:
    made = added(old, side, overlap=2)
    shared, before = parts(old)
    shared_now, after = parts(made)
    assert shared_now == shared
    assert {box: after[box] for box in before} == before
    assert len(after) > len(before)
    assert np.array_equal(window(made, old), old.decode())
    assert made.frame == old.frame
    assert made.tile == old.tile


@pytest.mark.parametrize(
    ("side", "origin", "shape"),
    [
        ("right", (0, 0), (24, 52)),
        ("left", (0, -20), (24, 52)),
        ("bottom", (0, 0), (42, 32)),
        ("top", (-18, 0), (42, 32)),
    ],
)
def test_a_side_is_an_end_of_an_axis(old: Field, side: str, origin: Any, shape: Any) -> None:
    made = added(old, side, steps=40)
    assert (made.domain.origin, made.domain.shape) == (origin, shape)
    assert sum(made.partition.areas) == made.domain.size
    ids = [region.id for region in made.partition.regions]
    assert ids == sorted(set(ids))
    source = PICTURE[18 + origin[0] :, 20 + origin[1] :][: shape[0], : shape[1]]
    assert psnr(source, made.decode(), (0, 255)) == pytest.approx(made.psnr, abs=2e-3)


def test_cells_keep_their_borders_and_their_size(shared: Field) -> None:
    right = added(shared, "right").partition
    assert right.edges == ((0, 8, 16, 24), (0, 8, 16, 24, 32, 38, 45, 52))
    assert {region.nominal for region in right.regions} == {(8.0, 8.0)}
    assert [region.id for region in right.regions] == list(range(21))
    top = added(shared, "top").partition
    assert top.edges == ((-18, -9, 0, 8, 16, 24), (0, 8, 16, 24, 32))
    assert top.regions[8].box == ((0, 8), (0, 8))


def test_one_network_gets_neighbours() -> None:
    old = small(partition="none")
    made = added(old, "right")
    assert (old.model.name, made.model.name) == ("mlp", "partitioned")
    assert made.partition.edges == ((0, 24), (0, 32, 52))
    assert api.load(api.to_bytes(made)).model == made.model


def test_segments_go_on_with_segments_of_their_mean_size(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = join.segments
    monkeypatch.setattr(
        join, "segments", lambda signal, config: asked.append(config.heads) or real(signal, config)
    )
    old = small(partition="seg", heads=4, segmenter="felzenszwalb")
    assert [region.id for region in old.partition.regions] == [0, 1, 2, 3]
    made = added(old, "bottom")
    numbers = [region.id for region in made.partition.regions]
    assert numbers == list(range(len(numbers)))
    one = added(old, "right", np.ascontiguousarray(PICTURE[OLD[0], 52:54]))
    assert [region.id for region in one.partition.regions] == [0, 1, 2, 3, 4]
    assert asked == [3, 1]  # 18 x 32 and 24 x 2 samples, at 192 each
    some = api.load(api.crop(api.to_bytes(old), keep="1,3"))
    again = added(some, "left", np.zeros((some.domain.shape[0], 9, 3), np.uint8))
    assert [region.id for region in again.partition.regions][:3] == [1, 3, 4]


def test_all_directions_several_times(old: Field) -> None:
    made = old
    for side in ("right", "top", "left", "bottom", "left", "top", "right"):
        height, width = made.domain.shape
        shape = (height, 7) if side in ("left", "right") else (5, width)
        made = api.load(api.to_bytes(added(made, side, textured(*shape))))
    assert (made.domain.shape, made.domain.origin) == ((24 + 15, 32 + 28), (-10, -14))
    assert sum(made.partition.areas) == made.domain.size
    assert np.array_equal(window(made, old), old.decode())
    before, after = parts(old)[1], parts(made)[1]
    assert {box: after[box] for box in before} == before


def test_crop_then_extend_and_back_again(old: Field) -> None:
    if len(old.partition) == 1:
        pytest.skip("one region cannot be cropped")
    keep = "1:,1:" if old.partition.grid else "0,2"
    some = api.load(api.crop(api.to_bytes(old), keep=keep))
    made = added(some, "right", textured(some.domain.shape[0], 11), overlap=3)
    assert np.array_equal(window(made, some), some.decode())
    there = some.domain.box.from_origin(made.domain.origin)
    back = api.load(api.crop(api.to_bytes(made), region=there))
    assert np.array_equal(back.decode(), some.decode())
    assert parts(back) == parts(some)
    assert back.psnr == pytest.approx(some.psnr)


@pytest.mark.parametrize("mode", ["strict", "joint"])
def test_holes_stay_holes(mode: str) -> None:
    whole = small(model="local-global", steps=40)
    some = api.load(api.crop(api.to_bytes(whole), keep=["0,0", "1,1:", "2,:2"]))
    hole = ~some.covered()
    assert hole[8:16, :8].all()
    made = added(some, "left", PICTURE[OLD[0], :20], mode=mode, overlap=4, steps=8)
    assert np.array_equal(made.covered()[:, :20], np.ones((24, 20), bool))
    assert np.array_equal(~made.covered()[:, 20:], hole)
    before, after = some.decode(), window(made, some)
    if mode == "strict":
        assert np.array_equal(before, after)
    else:
        assert psnr(before[~hole], after[~hole], (0, 255)) >= (some.psnr or 0) + HEADROOM - 1e-3


def test_the_overlap_learns_the_old_part_at_the_seam(shared: Field) -> None:
    """Without the old regions, the new ones are asked for its last two columns."""
    positions = np.stack(np.meshgrid(np.arange(24), [30, 31], indexing="ij"), axis=-1)
    wanted = shared.decode()[:, 30:]
    errors = []
    for overlap in (0, 4):
        made = added(shared, "right", overlap=overlap, steps=150)
        assert np.array_equal(window(made, shared), shared.decode())
        new = [row for row, region in enumerate(made.partition.regions) if region.box[1][0] >= 32]
        values = made.select(new)(made.frame.coords(positions), device="cpu")
        errors.append(psnr(wanted, shared.info.from_unit(values), (0, 255)))
    assert errors[1] > errors[0] + 6


def test_joint_keeps_the_old_part_and_stays_near_strict(shared: Field) -> None:
    strict = added(shared, "right", steps=80)
    joint = added(shared, "right", steps=80, mode="joint")
    assert any(
        not np.array_equal(joint.weights[n], shared.weights[n]) for n in ("merge_local", "trunk_weight0")
    )
    kept = psnr(shared.decode(), window(joint, shared), (0, 255))
    assert (shared.psnr or 0) + HEADROOM - 1e-3 <= kept < np.inf
    source = PICTURE[GROWN["right"]]
    new = [psnr(source, field.decode(region=((0, 24), (32, 52))), (0, 255)) for field in (strict, joint)]
    assert new[1] > new[0] - 0.8
    drift = [b - a for a, b in zip(strict.mse, joint.mse, strict=True)]
    old = [row for row, region in enumerate(joint.partition.regions) if region.box[1][1] <= 32]
    assert min(drift[row] for row in old) >= 0
    areas = [joint.partition.areas[row] for row in old]
    unsure = [
        math.log(2) / 2048 * (strict.mse[row] + joint.mse[row]) for row in old
    ]  # errors have 2-byte codes
    low, high = (
        pooled_psnr([drift[row] + side * u for row, u in zip(old, unsure, strict=True)], areas, peak=2.0)
        for side in (1, -1)
    )
    assert low is not None
    assert high is not None
    assert low - 0.01 <= kept <= high + 0.01


def test_joint_tells_what_its_file_holds(shared: Field) -> None:
    plan = api.plan_extension(
        shared, PICTURE[GROWN["right"]], side="right", mode="joint", steps=10, device="cpu"
    )
    made = plan.run()
    found = extend.verify(plan, api.to_bytes(made))
    assert found.field.psnr == pytest.approx(made.psnr)
    assert found.psnr_old_kept == pytest.approx(
        psnr(shared.decode(), window(made, shared), (0, 255)), abs=1e-6
    )
    source = PICTURE[GROWN["right"]]
    assert found.psnr_new == pytest.approx(
        psnr(source, made.decode(region=((0, 24), (32, 52))), (0, 255)), abs=1e-4
    )


@pytest.mark.parametrize(
    ("mode", "after"), [("strict", 0), ("strict", 9), ("joint", 9), ("joint", 18), ("joint", 19)]
)
def test_an_interrupted_extension_goes_on_to_the_same_bytes(
    shared: Field, mode: str, after: int, tmp_path: Path
) -> None:
    """In its first phase, at the first step of the second and in that."""
    words: dict[str, Any] = {"side": "right", "steps": 20, "overlap": 1, "device": "cpu"}
    plan = api.plan_extension(shared, PICTURE[GROWN["right"]], mode=mode, **words)
    state = broken(plan, after, tmp_path)
    assert api.to_bytes(plan.run(resume=state)) == api.to_bytes(plan.run())


def test_an_extension_is_another_with_another_field_part_side_or_mode(shared: Field) -> None:
    def identity(field: Field = shared, side: str = "right", **words: Any) -> dict[str, str]:
        part = words.pop("part", PICTURE[OLD])
        return api.plan_extension(field, part, side=side, device="cpu", **words).identity()

    same = identity()
    assert same == identity(threads=2) == identity(api.load(api.to_bytes(shared)))
    others = [identity(small(steps=3)), identity(side="left"), identity(mode="joint"), identity(seed=1)]
    assert same not in [*others, identity(part=PICTURE[OLD][::-1])]


def test_random_frequencies_are_not_tuned() -> None:
    old = small(model="local-global", activation="relu", encoding="rff", features=4, steps=40)
    made = added(old, "right", mode="joint", steps=8)
    assert np.array_equal(made.weights["frequencies"], old.weights["frequencies"])
    assert made.psnr is not None


@pytest.mark.parametrize("model", MODELS)
def test_joint_is_strict_where_it_has_nothing_to_tune(model: str) -> None:
    old = small(model=model)
    if model in ("local-global", "composer", "feature-grid"):
        old = replace(old, psnr=None)
    words: dict[str, Any] = {"side": "right", "steps": 3, "device": "cpu"}
    plan = api.plan_extension(old, PICTURE[GROWN["right"]], mode="joint", **words)
    assert any("--mode joint is strict here" in note for note in plan.notes)
    same = api.extend(old, PICTURE[GROWN["right"]], mode="strict", **words)
    assert api.to_bytes(plan.run()) == api.to_bytes(same)


def test_quality_is_that_of_both_parts_by_area(old: Field) -> None:
    made = added(old, "right")
    by_box = {r.box: error for r, error in zip(made.partition.regions, made.mse, strict=True)}
    assert [by_box[region.box] for region in old.partition.regions] == list(old.mse)
    assert made.psnr == pytest.approx(unit_decibel(np.average(made.mse, weights=made.partition.areas)))
    unknown = added(replace(old, mse=(), psnr=None), "right")
    assert (unknown.mse, unknown.psnr) == ((), None)


def test_the_same_words_give_the_same_bytes(shared: Field) -> None:
    makes = [
        api.to_bytes(added(shared, "right", mode="joint", threads=threads, steps=4)) for threads in (1, 2, 2)
    ]
    assert makes[0] == makes[1] == makes[2]
    assert api.to_bytes(added(shared, "right", seed=1)) != api.to_bytes(added(shared, "right", seed=2))
    made = added(shared, "right", seed=7, steps=4)
    assert (made.seed, made.steps) == (7, 4)


def test_metadata_tells_of_no_part_alone(shared: Field) -> None:
    info = replace(shared.info, icc=b"a profile", exif=b"no EXIF block", sha256="ab" * 32)
    plan = api.plan_extension(
        replace(shared, info=info), PICTURE[GROWN["left"]], side="left", steps=1, device="cpu"
    )
    assert any("colour profile" in note for note in plan.notes)
    made = plan.run()
    assert (made.info.icc, made.info.exif, made.info.sha256) == (b"a profile", None, "")


def test_float_samples_within_the_range_of_the_field() -> None:
    values = (PICTURE / 255).astype(np.float32)
    old = api.fit(values[:, :30], hidden_features=6, steps=12, grid=(3, 2), device="cpu")
    made = api.extend(old, values[:, 30:40], side="right", **QUICK)
    assert made.info.value_range == old.info.value_range
    with pytest.raises(InputError, match=r"values from .* to 3, the field holds those from 0 to 1"):
        api.extend(old, values[:, 30:40] + np.float32(3 - values[:, 30:40].max()), side="right", **QUICK)


@pytest.mark.parametrize(
    ("new", "words", "error", "said", "hint"),
    [
        (
            textured(23, 9),
            {},
            InputError,
            "23x9 samples (y, x) and does not fit to the field's 24x32",
            "24 along y",
        ),
        (textured(24, 31), {"side": "top"}, InputError, "24x31 samples", "32 along x"),
        (textured(24, 9)[..., 0], {}, InputError, "1 channel (grey), the field 3 (rgb)", "convert"),
        (textured(24, 9).astype(np.uint16), {}, InputError, "type uint16, the field uint8", "to uint8"),
        (textured(24, 9), {"side": "rigth"}, ConfigError, "--side 'rigth' is not known", "'right'"),
        (textured(24, 9), {"side": None}, ConfigError, "--side 'None' is not known", None),
        (textured(24, 9), {"side": "after"}, ConfigError, "the axis t, the field has the axes y, x", "left"),
        (textured(24, 9), {"mode": "join"}, ConfigError, "--mode 'join' is not known", "'joint'"),
        (textured(24, 9), {"steps": 0}, ConfigError, "--steps 0", None),
        (textured(24, 9), {"grid": (2, 2)}, ConfigError, "option 'grid' is not known", None),
    ],
)
def test_what_cannot_be(shared: Field, new: Any, words: Any, error: Any, said: str, hint: str | None) -> None:
    with pytest.raises(error) as caught:
        api.extend(shared, new, **{"side": "right", "device": "cpu", **words})
    assert said in caught.value.message
    assert hint is None or hint in (caught.value.hint or "")


@pytest.mark.parametrize("mode", ["strict", "joint"])
def test_the_steps_are_those_of_both_phases(shared: Field, mode: str) -> None:
    assert added(shared, "right", mode=mode, steps=4).steps == 4


def test_nobody_is_told_that_segments_asked_for_are_missing() -> None:
    old = small(partition="seg", heads=4, segmenter="felzenszwalb")
    plain = np.full((24, 20, 3), 100, np.uint8)
    assert api.plan_extension(old, plain, side="right", device="cpu").notes == ()


def test_fields_that_do_not_belong_together(shared: Field) -> None:
    other = added(shared, "right")
    with pytest.raises(ConfigError, match="different models or shared weights"):
        shared.append(replace(other, weights={n: w + 1 for n, w in other.weights.items()}))


def test_a_signal_may_lie_anywhere(shared: Field) -> None:
    part = api.read(np.ascontiguousarray(PICTURE[GROWN["right"]]))
    moved = ArraySignal(values=part.dense(), domain=replace(part.domain, origin=(-3, 900)), info=part.info)
    assert api.to_bytes(added(shared, "right")) == api.to_bytes(
        api.extend(shared, moved, side="right", **QUICK)
    )
