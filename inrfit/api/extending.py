"""Fields grow by a part that is fitted beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from inrfit import io
from inrfit.api.files import Source, load, read, reading
from inrfit.codec.source import Source as FileSource
from inrfit.device import pick_device
from inrfit.edit import extend as extending
from inrfit.edit.config import configured
from inrfit.edit.extend import Extension
from inrfit.errors import require
from inrfit.field import Field
from inrfit.fitting.progress import Progress
from inrfit.meta.init import Init

if TYPE_CHECKING:
    from inrfit.options import ExtendWords


def extend(
    source: FileSource | Field,
    new: Source,
    *,
    side: str,
    mode: str = "strict",
    device: str = "auto",
    progress: Progress | None = None,
    init: Init | str | Path | None = None,
    **options: Unpack[ExtendWords],
) -> Field:
    """Add a part to a field: new regions beside those it has, which keep their weights.

    The new part is divided as the old one is, and only its regions are fitted. It gets the next indices of its axis,
    negative ones on the left and at the top, so that nothing moves. Samples that were cropped away stay away. The hash
    of the source goes, and so do tags of the EXIF block and a sound track that tell of the old part alone.

    >>> save(extend("left.inr", "right.png", side="right"), "both.inr")  # doctest: +SKIP

    Args:
        source: the field or its file.
        new: the part to add, with the field's channels, sample type and extent on the other axes.
        side: "left", "right", "top", "bottom"; "before" or "after" on an axis of time, "front" or "back" on that of
            the planes of a volume.
        mode: "strict" keeps the shared weights, and the old part decodes to the same bits. "joint" tunes them too:
            the old part changes by an error at least 16 dB below the one it has.
        device: where it is fitted.
        progress: hooks that are told of every step.
        init: see `load`; the file of the field with both parts keeps its weights whole.
        options: `steps`, `lr`, `overlap`, `seed`, `threads` and `memory` as for `fit`.

    Returns:
        The field with both parts. Its PSNR is that of both by area; for the old part it goes by what the file states.

    Raises:
        InputError: the new part cannot be read or does not fit to the field. ConfigError: the side, the mode or an
            option is not known. ContainerError, FitError: see `load` and `fit`.
    """
    plan = plan_extension(source, new, side=side, mode=mode, device=device, init=init, **options)
    return plan.run(progress)


def plan_extension(
    source: FileSource | Field,
    new: Source,
    *,
    side: str,
    mode: str = "strict",
    device: str = "auto",
    name: str | None = None,
    init: Init | str | Path | None = None,
    **options: Unpack[ExtendWords],
) -> Extension:
    """Decide how a field will be extended, without fitting; see `extend`.

    Args:
        source, new, side, mode, device, init, options: as for `extend`.
        name: what to call the new part in messages when it has no path.
    """
    config = configured(options)
    old = source if isinstance(source, Field) else load(source, init=init)
    kind = io.kind_of(old.info.kind)
    require(
        kind.extends,
        f"a field of the kind {kind.kind} cannot be extended: nothing tells where on its lattice a new part would lie",
        hint="join the meshes and fit the whole",
    )
    picked = pick_device(device, config.threads)
    part = read(new, reading(old), name=name)
    return extending.plan(old, part, side=side, mode=mode, config=config, device=picked)
