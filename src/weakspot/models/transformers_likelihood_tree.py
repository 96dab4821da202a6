"""Many token sequences through a model, each token computed once however many sequences begin with it.

The sequences, sorted, are the leaves of a tree. Its tokens are laid out in the order of a walk (a parent before its
children, a whole branch before the next one) and go through the model in packs, several branches in one row: a mask
lets every token see its own ancestors alone, and its position is its depth. So nothing is padded and nothing copied.

The keys and values of a pack's ancestors come from a cache. All ancestors that lie before a pack are ancestors of the
pack's first token, since a branch is whole in the walk; so the cache holds one path, and between packs the entries of
the next path are picked out of it. The last path is remembered: the next request goes on from what it shares with it.

It knows ids only: no text, and no meaning of a sequence.
"""

import inspect
import threading
from collections.abc import Sequence
from typing import Any

import msgspec

from weakspot.models.transformers_load import libraries

PACK = 256
"""Tokens in one pass: more fill the cores no better (2 of them), and every token pays for the others' masked keys."""


class Fed(msgspec.Struct, frozen=True):
    """Ids to feed, and the ids to come at the last `len(targets)` positions: each is foretold by what is fed there."""

    ids: tuple[int, ...]
    targets: tuple[int, ...]


class Walk(msgspec.Struct):
    """The tree laid out: of each token its id, its depth (0-based) and its parent's place (-1: none).

    `wanted` are the places whose distribution is asked for, with (sequence, target) for each asker.
    `last` is the path of the last sequence, as places.
    """

    ids: list[int]
    depths: list[int]
    parents: list[int]
    wanted: dict[int, list[tuple[int, int]]]
    last: list[int]


class Memory:
    """The keys and values of the last path, and its ids. One model's, for one thread at a time."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.cache: Any = None

    def forget(self) -> None:
        """Begin anew: after an error the cache may hold half a pack."""
        self.ids, self.cache = [], None


def lay_out(sequences: Sequence[Fed]) -> Walk:
    """The walk over the tree of all sequences; equal beginnings lie in it once."""
    walk = Walk([], [], [], {}, [])
    before: tuple[int, ...] = ()
    for number in sorted(range(len(sequences)), key=lambda n: sequences[n].ids):
        sequence = sequences[number]
        same = shared(before, sequence.ids)
        del walk.last[same:]
        for depth in range(same, len(sequence.ids)):
            walk.parents.append(walk.last[-1] if walk.last else -1)
            walk.last.append(len(walk.ids))
            walk.ids.append(sequence.ids[depth])
            walk.depths.append(depth)
        first = len(sequence.ids) - len(sequence.targets)
        for offset, target in enumerate(sequence.targets):
            walk.wanted.setdefault(walk.last[first + offset], []).append((number, target))
        before = sequence.ids
    return walk


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def score_tree(
    model: Any, sequences: Sequence[Fed], memory: Memory, stop: threading.Event, pack: int = PACK
) -> list[tuple[float, bool]]:
    """(Sum of log-probabilities in nats, greedy) of each sequence's targets; (nan, False) where `stop` came first."""
    torch, library = libraries()
    walk = lay_out(sequences)
    sums = [[0.0, True] for _ in sequences]
    ready = min(shared(memory.ids, walk.ids), *walk.wanted) if memory.cache is not None else 0
    path = list(range(ready))
    try:
        with torch.inference_mode():
            cache = memory.cache if ready else library.DynamicCache()
            if ready < len(memory.ids):
                _pick(torch, cache, list(range(ready)))
            for start in range(ready, len(walk.ids), pack):
                if stop.is_set():
                    memory.forget()
                    return [(float("nan"), False) for _ in sequences]
                end = min(start + pack, len(walk.ids))
                _pass(torch, model, walk, path, (start, end), cache, sums)
                path = _next_path(torch, walk, path, (start, end), cache)
    except BaseException:
        memory.forget()
        raise
    memory.ids, memory.cache = [walk.ids[place] for place in path], cache
    return [(float(total), bool(greedy)) for total, greedy in sums]


def _pass(
    torch: Any, model: Any, walk: Walk, path: list[int], span: tuple[int, int], cache: Any, sums: list[list[Any]]
) -> None:
    """One pack through the model; adds what it foretells to the sums."""
    start, end = span
    wanted = [place for place in range(start, end) if place in walk.wanted]
    given: dict[str, Any] = {
        "input_ids": torch.tensor([walk.ids[start:end]], device=model.device),
        "position_ids": torch.tensor([walk.depths[start:end]], device=model.device),
        "past_key_values": cache,
        "use_cache": True,
    }
    if any(walk.parents[place] != place - 1 for place in range(start + 1, end)):
        given["attention_mask"] = _mask(torch, walk, path, span, model)
    rows = torch.tensor([place - start for place in wanted] or [end - start - 1], device=model.device)
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        logits = model(**given, logits_to_keep=rows).logits[0]
    else:
        logits = model(**given).logits[0, rows]
    if wanted:
        _add(torch, logits.float().log_softmax(-1), [walk.wanted[place] for place in wanted], sums)


def _mask(torch: Any, walk: Walk, path: list[int], span: tuple[int, int], model: Any) -> Any:
    """(1, 1, pack, path and pack): 0 where a token sees another, the least number there is where it does not."""
    start, end = span
    sees = torch.zeros((end - start, len(path) + end - start), dtype=torch.bool)
    at = {place: column for column, place in enumerate(path)}
    for place in range(start, end):
        row, parent = place - start, walk.parents[place]
        if parent >= start:
            sees[row] = sees[parent - start]
        elif parent >= 0:
            sees[row, : at[parent] + 1] = True
        sees[row, len(path) + row] = True
    least = torch.finfo(model.dtype).min
    return torch.where(sees, 0.0, least).to(model.dtype).to(model.device)[None, None]


def _next_path(torch: Any, walk: Walk, path: list[int], span: tuple[int, int], cache: Any) -> list[int]:
    """The ancestors of the token behind the pack (or the last sequence), and the cache cut down to them."""
    start, end = span
    columns = {place: column for column, place in enumerate([*path, *range(start, end)])}
    place = walk.parents[end] if end < len(walk.ids) else walk.last[-1]
    found = []
    while place >= 0:
        found.append(place)
        place = walk.parents[place]
    found.reverse()
    if len(found) < len(columns):
        _pick(torch, cache, [columns[place] for place in found])
    return found


def _pick(torch: Any, cache: Any, columns: list[int]) -> None:
    """Keep these entries of a cache, in order."""
    kept = None
    for layer in cache.layers:
        kept = torch.tensor(columns, device=layer.keys.device) if kept is None else kept.to(layer.keys.device)
        layer.keys = layer.keys.index_select(-2, kept)
        layer.values = layer.values.index_select(-2, kept)


def _add(torch: Any, rows: Any, askers: list[list[tuple[int, int]]], sums: list[list[Any]]) -> None:
    """Add each asker's log-probability. `rows` (positions, vocabulary) are distributions, in the askers' order."""
    flat = [(row, number, target) for row, some in enumerate(askers) for number, target in some]
    numbers = torch.tensor([(row, target) for row, _, target in flat], device=rows.device)
    values = rows[numbers[:, 0], numbers[:, 1]].tolist()
    greedy = (rows.argmax(-1)[numbers[:, 0]] == numbers[:, 1]).tolist()
    for (_, number, _), value, likeliest in zip(flat, values, greedy, strict=True):
        sums[number][0] += value
        sums[number][1] = sums[number][1] and likeliest
