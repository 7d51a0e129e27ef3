"""From an init to the field of one signal of any size: a fit with a start and steps of its own; nothing is learned here.

Regions that share no weights are adapted in waves, as they are fitted, so that memory does not grow with the signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit import io
from inrfit.codec.write import with_tables
from inrfit.device import Device
from inrfit.errors import ConfigError, FitError, InputError
from inrfit.field import Adapted, Field
from inrfit.fitting import waves
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.config import FitConfig
from inrfit.fitting.measure import with_errors
from inrfit.fitting.plan import Plan
from inrfit.fitting.progress import Progress
from inrfit.fitting.settings import Settings
from inrfit.fitting.size import by_effect
from inrfit.fitting.start import Start
from inrfit.kernels.tiles import region_samples
from inrfit.meta.config import FEW, AdaptConfig
from inrfit.meta.init import Init
from inrfit.meta.learner import RIDGE, Learner, as_tensors
from inrfit.meta.optimiser import Adapting, Way
from inrfit.meta.origin import InitOrigin
from inrfit.meta.tasks import without_samples
from inrfit.models.coding import Coding, fine_exponent, quantised, restored
from inrfit.models.description import Matrix
from inrfit.models.sizing import default_lr
from inrfit.partitions import Partition, build
from inrfit.partitions.counted import counted
from inrfit.registry import load
from inrfit.signal import Signal

GENTLE = 0.15
"""Factor on the usual rate of Adam and SOAP from the start of an init; larger steps destroy what was meta-learned.

Measured on four 32x32 crops in 2x2 cells, width 32, after 310 outer steps of MAML: three learned steps reach 30.6 dB. Three
steps of Adam on top at the usual rate fall to 13.5 dB, plain descent at the inner rate rises to 32.6. 50 steps of Adam with
a cosine end at 51.9 dB with this factor, at 49.3 with half of it, 50 of plain descent at 38.3. Drawn weights of networks
with omegas of 30, which inits usually have, want it too: at the usual rate 200 steps on a face of 32 pixels end at 13.8 dB.
"""

DEFAULT_RIDGE = 1e-4
"""Ridge of each feature where a closed form is asked for and the init has learned none."""

ADAPTED = "adapted"
"""What the numbers of waves that are done are called in a checkpoint."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Adaptation(Plan):
    """An adaptation that is decided and not yet carried out.

    Attributes:
        init: what it begins with.
        steps: how many.
        way: which steps.
        reference: whether the file will keep only what adapts.
    """

    init: Init
    steps: int
    way: Way
    reference: bool

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """What was learned, on the device; with a ridge where steps are solved for."""
        made = as_tensors(self.init.params, self.device.name)
        if self.way.solves and RIDGE not in made:
            weight, _ = self.way.learner.last_matrix
            inputs = next(s.shape[0] for s in self.way.learner.description.stacks if s.name == weight) + 1
            made[RIDGE] = torch.full((inputs,), float(np.log(DEFAULT_RIDGE)), device=self.device.name)
        return made

    @cached_property
    def _kept(self) -> _Kept:
        """What adapted so far."""
        return _Kept()

    @property
    def batch_key(self) -> None:
        """None: an adaptation runs alone."""

    def run(self, progress: Progress | None = None, resume: Checkpoint | None = None) -> Field:
        """Carry it out; see `Plan.run`."""
        work = replace(self)  # with nothing kept yet
        if self.reference and self.settings.fit.weights == "quantised":
            work = self.fitting(weights="float32")  # what adapts is rounded, not the weights that follow
        kept, hooks = work._kept, progress or Progress()
        if resume is not None:
            kept.restore(resume)
        fitted = waves.fit(work, hooks.keeping(kept.beside), resume)
        return _referring(self, fitted, kept) if self.reference else fitted

    def start(self, part: Partition) -> Start:
        """Return what some of the regions begin with: the start of the init, and its steps as an optimiser."""
        return _start(self, part, self._kept)

    def identity(self) -> dict[str, str]:
        """Return what a resumed adaptation must share with the interrupted one; the init by its hash."""
        way = {"trained": self.way.trained, "solves": sorted(self.way.solves), "all": self.way.everything}
        own = {"init": self.init.hash, "steps": self.steps, "reference": self.reference, **way}
        return {**Plan.identity(self), **{f"adapt.{name}": str(value) for name, value in own.items()}}


def plan(
    signal: Signal, name: str, init: Init, config: AdaptConfig, device: Device, *, reference: bool = False
) -> Adaptation:
    """Decide how a signal will be adapted to.

    Args:
        signal: of the init's kind.
        name: what messages call it.
        init: what was learned.
        config: how.
        device: where it runs.
        reference: keep only what adapts in the file.

    Raises:
        InputError: the signal is of another kind, or has other channels or axes. ConfigError: an option does not go
            with the init, or the signal cannot be divided so.
    """
    check(signal, name, init)
    config.fit.check_axes(signal.domain.axes)
    divided = config.partition(init.partition)
    partition = build(signal, divided)
    signal = counted(signal, partition)
    steps = init.config.inner_steps if config.steps is None else config.steps
    way = _way(init, config, steps)
    if reference and way.everything:
        raise ConfigError(
            "--reference-init keeps only what the init adapts, --adapt all changes more",
            hint="leave one of them out",
        )
    fit = _fit(signal, init, config, way, steps)
    model = init.model
    if model.name in ("mlp", "partitioned") or (way.everything and not way.plain):
        model = replace(model, name="mlp" if len(partition) == 1 else "partitioned")
    made = Adaptation(
        signal=signal,
        partition=partition,
        settings=Settings(read=config.read, partition=divided, model=model, fit=fit),
        device=device,
        init=init,
        steps=steps,
        way=way,
        reference=reference,
    )
    _check_network(made)
    return made


def check(signal: Signal, name: str, init: Init) -> None:
    """Refuse a signal that an init is not for.

    Raises:
        InputError: it is of another kind, or has other channels or axes.
    """
    if signal.info.kind != init.kind:
        raise InputError(
            f"{name} is of the kind {signal.info.kind}, the init was learned from the kind {init.kind}",
            hint=f"give a signal of the kind {init.kind}, or an init of the kind {signal.info.kind}",
        )
    if signal.info.kind == "shape" and (signal.info.colour == "occupancy") != (init.target == "occupancy"):
        raise InputError(
            f"{name} holds {'occupancy' if init.target == 'sdf' else 'signed distances'}, the init was learned from "
            f"the target {init.target}",
            hint=f"read it with the target {init.target}",
        )
    if signal.channels != init.channels:
        raise InputError(
            f"{name} has {_channels(signal.channels)} ({signal.info.colour}), the init was learned from signals "
            f"with {init.channels}",
            hint=f"convert it to {_channels(init.channels)}, or train an init on signals like it with meta-train",
        )
    if signal.domain.axes != init.axes:
        raise InputError(
            f"{name} has the axes {', '.join(signal.domain.axes)}, the init was learned from {', '.join(init.axes)}",
            hint="give a signal with these axes",
        )


def _channels(count: int) -> str:
    return f"{count} channel{'' if count == 1 else 's'}"


def _way(init: Init, config: AdaptConfig, steps: int) -> Way:
    """Decide which steps are taken.

    Raises:
        ConfigError: options do not go with each other or with the init.
    """
    learner: Learner = load("meta", init.config.method)(
        init.model, len(init.axes), init.channels, init.config
    )
    inner = init.config.inner_steps
    solves = frozenset(number for number in range(inner) if init.config.solves(number))
    if config.solve is not None:
        last = {steps - 1} if config.solve in ("last", "both") else set()
        solves = frozenset(({0} if config.solve in ("first", "both") else set()) | last)
    if solves:
        learner.last_matrix  # noqa: B018 (raises where there is no closed form)
    trained, after = {"auto": (inner, "adam"), "learned": (1 << 62, "sgd")}.get(
        config.optimiser, (0, config.optimiser)
    )
    if config.optimiser == "auto" and not learner.descends:
        trained = 0
    elif config.optimiser == "auto" and inner and steps - trained <= FEW:
        after = "sgd"
    way = Way(learner=learner, trained=trained, solves=solves, after=after, everything=False)
    shares = any(stack.trained and not stack.local for stack in learner.description.stacks)
    if config.fit.lr is not None and trained >= steps:
        raise ConfigError(
            f"--lr {config.fit.lr:g} changes nothing: all steps ({steps}) are the init's own, at its rates",
            hint="leave it out, or add --optimiser sgd or adam",
        )
    way = replace(way, everything=config.adapt == "all" and (shares or not way.plain))
    if way.everything and config.optimiser == "learned":
        raise ConfigError(
            "--adapt all has no learned rates beyond what the init adapts",
            hint="take --optimiser auto, sgd, adam or soap with it",
        )
    if after == "soap" and not (way.plain or way.everything):
        raise ConfigError(
            f"--optimiser soap needs weights as the network uses them, which an init of the method "
            f"{init.config.method} does not adapt",
            hint="add --adapt all, or take --optimiser adam",
        )
    return way


def _fit(signal: Signal, init: Init, config: AdaptConfig, way: Way, steps: int) -> FitConfig:
    """Return the configuration of the fit: what the user says, then what suits the kind and the steps."""
    usual = io.kind_of(signal.info.kind).defaults_for(signal)
    fit = config.fit
    if "points" not in config.given and isinstance(points := usual.get("points"), int):
        fit = replace(fit, points=points)
    if way.after == "sgd":
        fit = replace(fit, lr=fit.lr or init.config.inner_lr)
    elif "schedule" not in config.given and steps - min(way.trained, steps) > FEW:
        fit = replace(fit, schedule="cosine")
    gentle = way.plain or way.everything
    if way.after != "sgd" and fit.lr is None and gentle:
        fit = replace(fit, lr=GENTLE * default_lr(init.model, 1.0, max(1, steps), len(init.axes)))
    return replace(fit, steps=max(1, steps), optimiser=way.after)


def _check_network(plan: Adaptation) -> None:
    """Refuse `--adapt all` where the network has no form in which all its weights are regions' own."""
    wanted = {s.name: s.shape for s in plan.way.learner.description.stacks}
    if {s.name: s.shape for s in plan.description.stacks} != wanted:
        raise ConfigError(
            f"--adapt all is not for inits of the method {plan.init.config.method}",
            hint="leave it out: what the init adapts is optimised then",
        )


def _start(plan: Adaptation, part: Partition, kept: _Kept) -> Start:
    """Return what the regions of a wave begin with; `kept` learns of its optimiser."""
    way, params = plan.way, plan.tensors
    with torch.no_grad():
        own = way.learner.start(params, without_samples([plan.signal], [part], plan.device.name))
        stacks = way.learner.weights(params, own)
    weights, frozen, steps = {}, set(), {}
    for stack in plan.description.stacks:
        value = stacks[stack.name]
        groups = len(part) if stack.local else 1
        weights[stack.name] = value.expand(groups, *value.shape[1:]).cpu().numpy()
        alone = stack.local if not way.plain else stack.name in way.learner.adapted
        if stack.trained and not way.everything and not alone:
            frozen.add(stack.name)
            if not plan.reference:  # regions adapt to what the file will hold
                kind = plan.settings.fit.weights
                if kind == "quantised":
                    steps[stack.name] = step = fine_exponent(weights[stack.name])
                    weights[stack.name] = restored(quantised(weights[stack.name], step), step)
                    continue
                with np.errstate(over="ignore"):
                    weights[stack.name] = weights[stack.name].astype(kind).astype(np.float32)
    shares = None
    if plan.init.config.loss == "signal":
        shares = torch.tensor(_shares(plan, part), device=plan.device.name)

    def optimiser(
        values: Mapping[str, Tensor], matrices: Mapping[str, Matrix], config: FitConfig
    ) -> Adapting:
        made = Adapting(values, matrices, config, way=way, params=params, adapted=own, shares=shares)
        kept.take(made if plan.reference and not way.plain else None)
        return made

    return Start(
        weights=weights,
        frozen=frozenset(frozen),
        solve=False,
        optimiser=optimiser,
        steps=plan.steps,
        coding=Coding(exponents=steps) if steps else None,
    )


def _shares(plan: Adaptation, part: Partition) -> NDArray[np.float32]:
    """Return the part of the signal's samples that each region of a wave has."""

    def areas(partition: Partition) -> NDArray[np.float32]:
        found = [region_samples(region, pool=plan.signal.pool).count for region in partition.regions]
        return np.array(found, np.float32)

    return areas(part) / areas(plan.partition).sum()


class _Kept:
    """What adapted, wave after wave, where the weights do not hold it."""

    def __init__(self) -> None:
        self._now: Adapting | None = None
        self._numbers: list[dict[str, NDArray[np.float32]]] = []

    def take(self, adapting: Adapting | None) -> None:
        """Go on to the next wave."""
        if self._now is not None:
            self._numbers.append({n: v.cpu().numpy() for n, v in self._now.adapted.items()})
        self._now = adapting

    def numbers(self) -> dict[str, NDArray[np.float32]]:
        """Return what adapted in all waves, [region, *shape]."""
        self.take(None)
        return self._held()

    def _held(self) -> dict[str, NDArray[np.float32]]:
        names = self._numbers[0] if self._numbers else ()
        return {name: np.concatenate([one[name] for one in self._numbers]) for name in names}

    def beside(self, state: Checkpoint) -> Checkpoint:
        """Return the state of a wave with what adapted in those before it."""
        return state.beside(ADAPTED, self._held())

    def restore(self, state: Checkpoint) -> None:
        """Go on from that."""
        held = state.of(ADAPTED)
        self._numbers = [held] if held else []


def _referring(plan: Adaptation, fitted: Field, kept: _Kept) -> Field:
    """Return the field as a file gives it back that keeps only what adapted.

    Raises:
        FitError: that does not fit into the type of the file's numbers.
    """
    origin, kind = InitOrigin(plan.init), plan.settings.fit.weights
    found = {n: fitted.weights[n] for n in origin.shapes} if plan.way.plain else kept.numbers()
    if kind == "quantised":
        return _referring_quantised(plan, fitted, origin, {name: found[name] for name in origin.shapes})
    with np.errstate(over="ignore"):
        numbers = {name: found[name].astype(kind).astype(np.float32) for name in origin.shapes}
    if not all(np.isfinite(value).all() for value in numbers.values()):
        raise FitError(
            f"what adapted does not fit into {kind}",
            hint="use a lower learning rate with --lr, or --weights float32",
        )
    adapted = Adapted(init=origin.hash, numbers=numbers)
    return with_errors(
        replace(fitted, weights=origin.stacks(numbers), adapted=adapted), plan.signal, plan.device
    )


def _referring_quantised(
    plan: Adaptation, fitted: Field, origin: InitOrigin, numbers: Mapping[str, NDArray[np.float32]]
) -> Field:
    """Return such a field with its numbers as multiples of steps away from what regions began with."""
    bases = origin.bases

    def field_of(held: Mapping[str, NDArray[np.float32]], coding: Coding | None = None) -> Field:
        adapted = Adapted(init=origin.hash, numbers=held, bases=bases)
        made = replace(
            fitted, weights=origin.stacks(held), adapted=adapted, weight_type="quantised", coding=coding
        )
        return with_errors(made, plan.signal, plan.device)

    def error(held: Mapping[str, NDArray[np.float32]]) -> float:
        found = field_of(held)
        return float(np.dot(found.mse, found.counts))

    steps, rounded = by_effect(numbers, bases, error)
    return with_tables(field_of(rounded, Coding(exponents=steps)))
