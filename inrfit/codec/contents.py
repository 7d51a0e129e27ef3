"""What the chunks of a file keep: its samples, its network, which numbers in which order, and whether its bytes can hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from inrfit.codec import bounds, masks, needs
from inrfit.codec.chunks import NEEDS
from inrfit.codec.container import WRONG, Damage, Reader
from inrfit.codec.header import Header, ModelHeader
from inrfit.codec.origin import Origin
from inrfit.codec.payload import Item, Numbers, Payload, payload_of
from inrfit.errors import ConfigError, ContainerError, PluginError
from inrfit.models.coding import Coding
from inrfit.models.config import ModelConfig
from inrfit.models.description import Description, describe
from inrfit.signal import SignalInfo

if TYPE_CHECKING:
    from inrfit.field import Field

MODEL_FIELDS = ModelHeader.__struct_fields__


def info_of(header: Header) -> SignalInfo:
    """Return what a header says of the samples."""
    signal = header.signal
    return SignalInfo(
        kind=signal.kind,
        dtype=signal.dtype,
        value_range=(signal.value_low, signal.value_high),
        colour=signal.colour,
        suffix=signal.suffix,
    )


def network_of(reader: Reader) -> Description:
    """Return the network that a file describes.

    Raises:
        ContainerError: it needs a package that is not there; or see `network`.
    """
    needs.check(reader.header, reader.ancillary.get(NEEDS, b""), reader.name)
    return network(reader.header, reader.name)


def network(header: Header, name: str = "the file") -> Description:
    """Return the network that the header of a file describes.

    Raises:
        ContainerError: the model is not one this version knows, or cannot be.
    """
    model = model_config(header)
    try:
        return describe(model, len(header.signal.shape), header.signal.channels)
    except PluginError as error:
        raise ContainerError(f"{name}: {error.message}", hint=error.hint) from None
    except ConfigError as error:
        raise ContainerError(
            f"{name} describes no network: {error.message.replace('--', '')}", hint=WRONG
        ) from None


def model_config(header: Header) -> ModelConfig:
    """Return the model a header describes.

    Raises:
        ContainerError: a name this version does not know.
    """
    try:
        return ModelConfig(**{name: getattr(header.model, name) for name in MODEL_FIELDS})
    except ConfigError as error:
        raise ContainerError(
            f"the file uses a model this version does not know: {error.message}",
            hint="a newer inrfit may read it",
        ) from None


def items_of(description: Description) -> dict[bool, list[Item]]:
    """Return what the chunk of a region (True) and what that of all together (False) keeps, in order."""
    found: dict[bool, list[Item]] = {True: [], False: []}
    for stack in description.stacks:
        found[stack.local].append(
            Item(name=stack.name, shape=stack.shape, trained=stack.trained, points=stack.points)
        )
    return found


def adapted_items(origin: Origin) -> dict[bool, list[Item]]:
    """Return the same of a file that keeps only what the regions of an init adapted."""
    bases = origin.bases
    own = [Item(name=name, shape=shape, base=bases.get(name)) for name, shape in origin.shapes.items()]
    return {True: own, False: []}


def kept(field: Field) -> tuple[Numbers, dict[bool, list[Item]]]:
    """Return the numbers that the file of a field keeps, and in which order."""
    if field.adapted is None:
        return field.weights, items_of(field.description)
    numbers, bases = field.adapted.numbers, field.adapted.bases
    own = [Item(name=n, shape=v.shape[1:], base=bases.get(n)) for n, v in numbers.items()]
    return numbers, {True: own, False: []}


def coded(items: Mapping[bool, Sequence[Item]]) -> list[str]:
    """Return the names of what is quantised, in the order of their exponents: what regions share first."""
    return [item.name for local in (False, True) for item in items[local] if item.trained]


def coding_of(reader: Reader, items: Mapping[bool, Sequence[Item]]) -> Coding | None:
    """Return how the quantised weights of a file are coded; None for other weights.

    Raises:
        ContainerError: there are not as many steps as stacks.
    """
    stored, wanted = reader.header.coding, coded(items)
    if stored is None:
        return None
    if len(stored.exponents) != len(wanted):
        raise ContainerError(
            f"{reader.name} has {len(stored.exponents)} steps for {len(wanted)} quantised arrays", hint=WRONG
        )
    return Coding(
        exponents=dict(zip(wanted, stored.exponents, strict=True)),
        tables=tuple(tuple(runs) for runs in stored.tables),
        choice=tuple(stored.choice),
        contexts={name: tuple(one) for name, one in zip(wanted, stored.contexts, strict=False) if one},
    )


def payloads(
    reader: Reader, items: Mapping[bool, Sequence[Item]], coding: Coding | None
) -> dict[bool, Payload]:
    """Return how the weights of each region (True) and those of all together (False) are kept.

    Raises:
        ContainerError: that cannot be, or is more than the bytes of the file can hold.
    """
    try:
        found = {
            local: payload_of(items[local], reader.header.weight_type, coding) for local in (True, False)
        }
        if not reader.header.init:
            numbers = found[False].quantised + reader.there * found[True].quantised
            bounds.check_numbers(numbers, reader.size)
        bounds.check_fronts(found[True].lattices, reader.size)
        index, there = reader.index, reader.there
        bounds.check_masked(bounds.masked(index.boxes[:there], index.areas[:there]), reader.size)
    except ContainerError as error:
        raise ContainerError(f"{reader.name}: {error.message}", hint=WRONG) from None
    return found


def _own_payloads(reader: Reader) -> dict[bool, Payload]:
    """Return how the weights of a file are kept; empty for a file that needs an init."""
    if reader.header.init:
        return {}
    items = items_of(network_of(reader))
    return payloads(reader, items, coding_of(reader, items))


def least(reader: Reader, regions: int) -> int:
    """Return how many bytes a file with so many regions of this one must have for its weights, see `bounds.least`.

    Raises:
        ContainerError: the file claims more than can be in its bytes, or describes no network.
    """
    own = _own_payloads(reader)
    return least_of(own[False], own[True], regions) if own else 0


def least_of(shared: Payload, own: Payload, regions: int) -> int:
    """Return the same for weights that are kept so; without regions, for those of a file that needs an init."""
    return bounds.least(
        numbers=shared.quantised + regions * own.quantised if regions else 0,
        fronts=sum(map(bounds.fronts_of, own.lattices)),
    )


def misfits(reader: Reader) -> list[Damage]:
    """Return the regions of a file that are damaged, or whose bytes cannot hold their weights; none is decoded.

    Of a file that needs an init the weights are not known, and only checksums are looked at.

    Raises:
        ContainerError: the file claims more than can be in its bytes, or its shared weights do not fit.
    """
    own = _own_payloads(reader)
    if not own:
        return reader.check()
    if wrong := own[False].misfit(len(reader.shared)):
        raise ContainerError(f"{reader.name}: the shared weights {wrong}", hint=WRONG)
    masked, found = reader.header.partition.kind == "labels", list[Damage]()
    for position, number in enumerate(reader.index.ids):
        try:
            payload = reader.part(position)
            before = masks.size(payload) if masked else 0
            wrong = own[True].misfit(len(payload) - before)
        except ContainerError as error:
            wrong = error.message
        if wrong:
            found.append(Damage(position=position, id=number, reason=wrong))
    return found
