"""From what was typed to a list of work: which file goes in, which comes out, and what must not happen."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inrfit.errors import ConfigError, OutputError

STANDARD = "-"
"""Standard input or output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of work.

    Attributes:
        source: path of the input, or None for standard input.
        output: path of the output, or None for standard output.
        skip: whether it is done already.
    """

    source: Path | None
    output: Path | None
    skip: bool = False

    @property
    def name(self) -> str:
        """What to call the input."""
        return "<stdin>" if self.source is None else str(self.source)


def expand(
    patterns: Sequence[str], suffixes: Sequence[str], *, recursive: bool
) -> list[tuple[Path | None, Path]]:
    """Turn files, folders, globs and - into inputs.

    Returns:
        Pairs of an input (None for standard input) and the name of its output below an output folder, without
        suffix. Files that do not exist stay in the list: they fail when their turn comes, not the batch.

    Raises:
        ConfigError: a folder or glob holds nothing, or standard input is named twice.
    """
    found: list[tuple[Path | None, Path]] = []
    for pattern in patterns:
        path = Path(pattern)
        if pattern == STANDARD:
            found.append((None, Path("stdin")))
        elif path.is_dir():
            found += _folder(path, suffixes, recursive=recursive)
        elif not path.exists() and glob.has_magic(pattern):
            matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207 (absolute patterns)
            files = [match for match in matches if match.is_file()]
            if not files:
                raise ConfigError(f"{pattern} matches no file")
            found += [(match, Path(match.stem)) for match in files]
        else:
            found.append((path, Path(path.stem)))
    if sum(source is None for source, _ in found) > 1:
        raise ConfigError("standard input (-) can be read only once")
    return found


def _folder(folder: Path, suffixes: Sequence[str], *, recursive: bool) -> list[tuple[Path | None, Path]]:
    walk = folder.rglob("*") if recursive else folder.iterdir()
    files = sorted(path for path in walk if path.suffix.lower() in suffixes and path.is_file())
    if not files:
        raise ConfigError(
            f"{folder} holds no file to work on ({', '.join(suffixes)})",
            hint=None if recursive else "use -r to look into the folders within it",
        )
    return [(path, path.relative_to(folder).with_suffix("")) for path in files]


def plan_work(
    inputs: Sequence[tuple[Path | None, Path]],
    output: str | None,
    suffix: Callable[[Path | None], str],
    *,
    force: bool,
    skip: Callable[[Path, Path], bool] | None = None,
    beside: str = "",
) -> list[Item]:
    """Decide the output of each input before any work starts.

    Args:
        inputs: what `expand` found.
        output: the -o option: a file, a folder, - or None for beside the input.
        suffix: input -> suffix of an output that is not named.
        force: existing outputs may be replaced.
        skip: (input, existing output) -> whether the output can be left as it is; None without --skip-existing.
        beside: what goes before the suffix of an output beside its input.

    Raises:
        ConfigError: two inputs share an output, or an output would replace an input.
        OutputError: an output exists and may not be replaced.
    """
    folder = output is not None and output != STANDARD and _is_folder(output, len(inputs))
    if output == STANDARD and len(inputs) > 1:
        raise ConfigError(f"-o - takes one input, {len(inputs)} were given", hint="give a folder with -o")
    if output is not None and output != STANDARD and not folder and Path(output).is_dir():
        raise OutputError(f"{output} is a folder", hint="name a file in it")
    items = []
    for source, below in inputs:
        if output == STANDARD:
            target = None
        elif folder:
            target = Path(output or "") / below.with_name(below.name + suffix(source))
        elif output is not None:
            target = Path(output)
        elif source is None:
            raise ConfigError("standard input needs -o, a file or - for standard output")
        else:
            target = source.with_name(below.name + beside + suffix(source))
        items.append(Item(source=source, output=target))
    _refuse_collisions(items)
    return [_existing(item, force=force, skip=skip) for item in items]


def _is_folder(output: str, inputs: int) -> bool:
    if output.endswith(("/", "\\")) or Path(output).is_dir():
        return True
    if inputs == 1:
        return False
    if Path(output).suffix:
        raise ConfigError(f"-o {output} is one file for {inputs} inputs", hint="give a folder with -o")
    return True


def _refuse_collisions(items: Sequence[Item]) -> None:
    seen: dict[Path, Item] = {}
    sources = {item.source.resolve() for item in items if item.source is not None}
    for item in items:
        if item.output is None:
            continue
        target = item.output.resolve()
        if target in seen:
            raise ConfigError(
                f"{seen[target].name} and {item.name} would both be written to {item.output}",
                hint="rename one of them, or give them to separate commands",
            )
        if target in sources:
            raise ConfigError(f"{item.output} is both an input and an output", hint="choose another -o")
        seen[target] = item


def _existing(item: Item, *, force: bool, skip: Callable[[Path, Path], bool] | None) -> Item:
    if item.output is None or not item.output.exists() or force:
        return item
    if item.output.is_dir():
        raise OutputError(f"{item.output} is a folder", hint="choose another -o")
    if skip is None:
        raise OutputError(f"{item.output} exists", hint="use --force to replace it, or --skip-existing")
    done = item.source is not None and skip(item.source, item.output)
    return Item(source=item.source, output=item.output, skip=done)
