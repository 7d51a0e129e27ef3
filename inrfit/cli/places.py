"""Where outputs go: decided before any work, so that nothing is written over and no long work is in vain."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from inrfit.cli.inputs import STANDARD, Item, exists, is_file, is_folder
from inrfit.errors import ConfigError, OutputError
from inrfit.io.unfinished import sweep


def plan_work(
    inputs: Sequence[tuple[Path | None, Path]],
    output: str | None,
    suffix: Callable[[Path | None], str],
    *,
    force: bool,
    skip: Callable[[Path | None, Path], bool] | None = None,
    beside: str = "",
    hint: str = "use --force to replace it",
) -> list[Item]:
    """Decide the output of each input before any work starts.

    Inputs of one stem, such as IMG_1.JPG and IMG_1.MOV, would share an output; each of them keeps its suffix in the
    name of its own: IMG_1.JPG.inr and IMG_1.MOV.inr.

    Args:
        inputs: what `expand` found.
        output: the -o option: a file, a folder, - or None for beside the input. Without a suffix it is a folder.
        suffix: input -> suffix of an output that is not named; None stands for one that can be read only once.
        force: existing outputs may be replaced.
        skip: (input or None for standard input, existing output) -> whether the output can be left as it is; otherwise
            it may be replaced. None without --skip-existing.
        beside: what goes before the suffix of an output beside its input.
        hint: what mends an output that exists.

    Raises:
        ConfigError: two inputs share an output, or an output would replace an input.
        OutputError: an output exists and may not be replaced.
    """
    if output == "":
        raise ConfigError("-o has an empty name", hint="name a file or a folder")
    folder = output is not None and output != STANDARD and _means_folder(output, len(inputs))
    if output == STANDARD and len(inputs) > 1:
        raise ConfigError(f"-o - takes one input, {len(inputs)} were given", hint="give a folder with -o")
    unlisted = [
        number for number, (source, _) in enumerate(inputs) if source is not None and is_folder(source)
    ]

    def item(number: int, whole: bool) -> Item:
        """Return an input with its output, which is named after the whole name of the input or its stem."""
        source, below = inputs[number]
        if number in unlisted:
            return Item(source=source, output=None, writes=False)
        name = source.name if whole and source is not None else below.name
        again = source is None or is_file(source) or not exists(source)
        if output == STANDARD:
            target = None
        elif folder:
            target = Path(output or "") / below.with_name(name + suffix(source if again else None))
        elif output is not None:
            target = Path(output)
        elif source is None or _is_passing(source):
            what = "standard input" if source is None else str(source)
            raise ConfigError(
                f"{what} needs an output", hint="give -o with a file, or -o - for standard output"
            )
        else:
            target = source.with_name(name + beside + suffix(source if again else None))
        return Item(source=source, output=target)

    items = _apart([item(number, False) for number in range(len(inputs))], lambda number: item(number, True))
    _refuse_collisions(items)
    return [_existing(item, force=force, skip=skip, hint=hint) for item in items]


def check_container(output: str | None, verb: str) -> None:
    """Refuse to give the name of a signal to a `.inr` file.

    Raises:
        ConfigError: -o names one.
    """
    from inrfit.io import input_suffixes

    if output is not None and Path(output).suffix.lower() in input_suffixes():
        raise ConfigError(
            f"-o {output} names a file of another format, but {verb} writes .inr files",
            hint=f"for example -o {Path(output).with_suffix('.inr')}",
        )


def check_extra(option: str, path: str | None, taken: Sequence[Path | None], *, force: bool) -> None:
    """Refuse another file to write, such as a report, that cannot be, before any work.

    Args:
        option: the option that names it.
        path: the file, or None when none is wanted.
        taken: inputs and outputs, which it must not replace.
        force: an existing file may be replaced.

    Raises:
        ConfigError: it is one of those taken.
        OutputError: it exists and may not be replaced, or has no folder to be written to.
    """
    if path is None:
        return
    if os.path.realpath(path) in {os.path.realpath(other) for other in taken if other is not None}:
        raise ConfigError(f"{option} {path} is an input or an output as well", hint="choose another name")
    if is_folder(Path(path)):
        raise OutputError(f"{option} {path} is a folder", hint="name a file in it")
    sweep(Path(path))
    if exists(Path(path)) and not force:
        raise OutputError(f"{option} {path} exists", hint="use --force to replace it")
    if not is_folder(Path(path).parent):
        raise OutputError(f"{option} {path}: there is no folder {Path(path).parent}", hint="make it first")


def check_spared(option: str, path: str | None, items: Sequence[Item]) -> None:
    """Refuse to write over a file that an option names to be read, such as an init.

    Raises:
        ConfigError: it is the output of an item.
    """
    if path is None:
        return
    for item in items:
        if item.output is not None and os.path.realpath(path) == os.path.realpath(item.output):
            raise ConfigError(f"{item.output} is both {option} and an output", hint="choose another -o")


def make_room(output: Path | None) -> None:
    """Make the folder of an output, so that a place that cannot be written is found before the long work.

    Raises:
        OutputError: the folder cannot be made or written, or the name is too long.
    """
    if output is None:
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.exists()
    except OSError as error:
        raise OutputError(
            f"{output}: cannot be written ({error.strerror})", hint="name another file or folder with -o"
        ) from error
    if not os.access(output.parent, os.W_OK | os.X_OK):
        raise OutputError(
            f"{output}: the folder may not be written", hint="name a folder that is yours with -o"
        )


def _means_folder(output: str, inputs: int) -> bool:
    path = Path(output)
    if output.endswith(("/", "\\")) or is_folder(path):
        return True
    if not path.suffix and not exists(path):
        return True
    if inputs > 1:
        raise ConfigError(f"-o {output} is one file for {inputs} inputs", hint="give a folder with -o")
    return False


def _is_passing(source: Path) -> bool:
    """Return whether an input has a name for as long as it is open alone, such as /dev/fd/63; nothing goes beside it."""
    return source.is_absolute() and source.parts[1] in ("dev", "proc")


def _apart(items: Sequence[Item], whole: Callable[[int], Item]) -> list[Item]:
    """Return the items, those that share an output under the whole names of their inputs where these differ.

    Args:
        items: every input with its output.
        whole: number of an item -> that item, its output named after the whole name of its input.
    """
    found, kept = list(items), set(range(len(items)))
    while True:
        sharing: dict[str, list[int]] = {}
        for number, item in enumerate(found):
            if item.output is not None:
                sharing.setdefault(os.path.realpath(item.output), []).append(number)
        groups = [numbers for numbers in sharing.values() if len(numbers) > 1]
        differ = [
            numbers
            for numbers in groups
            if len({Path(found[number].name).name for number in numbers}) == len(numbers)
        ]
        clashing = kept.intersection(number for numbers in differ for number in numbers)
        if not clashing:
            return found
        kept -= clashing
        for number in clashing:
            found[number] = whole(number)


def _refuse_collisions(items: Sequence[Item]) -> None:
    sources = {os.path.realpath(item.source) for item in items if item.source is not None}
    seen: dict[str, Item] = {}
    for item in items:
        if item.output is None:
            continue
        target = os.path.realpath(item.output)
        if target in seen:
            raise ConfigError(
                f"{seen[target].name} and {item.name} would both be written to {item.output}",
                hint="rename one of them, or give them to separate commands",
            )
        if target in sources:
            raise ConfigError(f"{item.output} is both an input and an output", hint="choose another -o")
        seen[target] = item


def _existing(
    item: Item, *, force: bool, skip: Callable[[Path | None, Path], bool] | None, hint: str
) -> Item:
    if item.output is None or not exists(item.output):
        return replace(item, replaces=force)
    if is_folder(item.output):
        raise OutputError(f"{item.output} is a folder", hint="choose another -o")
    if os.path.exists(item.output) and not is_file(item.output):  # noqa: PTH110
        raise OutputError(f"{item.output} is not a regular file", hint="use -o - for standard output")
    sweep(item.output)
    if force:
        return replace(item, replaces=True)
    if skip is None:
        raise OutputError(f"{item.output} exists", hint=hint)
    done = (item.source is None or is_file(item.source)) and skip(item.source, item.output)
    return replace(item, skip=done, replaces=True)
