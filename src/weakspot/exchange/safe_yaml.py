"""YAML without what makes it dangerous: no tags that build objects, no alias bombs, no nesting without end.

Only the plain JSON kinds come out (dates stay the text they are written as). A tag that the caller knows, such as
lm-eval's `!function`, comes out as a `Tagged` with its place, so that it can be refused by name where it matters.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import msgspec
import yaml

from weakspot.errors import ImportFailed
from weakspot.exchange.reading import read_text, shown

MAX_YAML = 16 << 20
"""Bytes: the composer needs a hundred times the file's size."""
MAX_NODES = 1_000_000
"""Values after every alias is written out. "Billion laughs" is nine lines that become 10^9."""
MAX_DEPTH = 100

_SCALARS: dict[str, Callable[[str], str | None]] = {
    "tag:yaml.org,2002:str": lambda text: text,
    "tag:yaml.org,2002:timestamp": lambda text: text,
    "tag:yaml.org,2002:value": lambda text: text,
    "tag:yaml.org,2002:null": lambda _: None,
}
_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "tag:yaml.org,2002:int": yaml.constructor.SafeConstructor.construct_yaml_int,
    "tag:yaml.org,2002:float": yaml.constructor.SafeConstructor.construct_yaml_float,
    "tag:yaml.org,2002:bool": yaml.constructor.SafeConstructor.construct_yaml_bool,
}
_MERGE = "tag:yaml.org,2002:merge"


class Tagged(msgspec.Struct, frozen=True):
    """A value under a tag that the caller knows: the tag, what it says, and where it stands (line from 1)."""

    tag: str
    value: str
    file: str
    line: int


def read_yaml(path: Path, *, tags: Collection[str] = ()) -> Any:
    """A YAML file as dicts, lists, texts, numbers, truths and None.

    Args:
        path: the file.
        tags: tags of one's own ("!function") that come out as `Tagged`.

    Raises:
        ImportFailed: it is no YAML, or asks for what is not allowed; the sentence names the line.
    """
    return parse_yaml(read_text(path, MAX_YAML), str(path), tags=tags)


def parse_yaml(text: str, name: str, *, tags: Collection[str] = ()) -> Any:
    """As `read_yaml`, from a text; `name` is what to call it in an error."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_depth(text, name, loader)
        root = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        raise ImportFailed(f"{shown(name)} is no YAML: {_reason(error)}.", hint="Mend the file.") from None
    except (RecursionError, ValueError) as error:
        raise ImportFailed(f"{shown(name)} is no YAML that can be read: {error}.", hint="Mend the file.") from None
    if root is None:
        raise ImportFailed(f"{shown(name)} holds nothing.", hint="Only comments or blank lines are in it.")
    builder = _Builder(name, frozenset(tags))
    builder.measure(root)
    return builder.value(root, 0)


def _check_depth(text: str, name: str, loader: Any) -> None:
    """Events come one after another, where composing goes down in C and ends the process at 200,000 brackets."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 0
            raise ImportFailed(f"{shown(name)}, line {line}, is nested too deeply.", hint="Flatten the file.")


class _Builder:
    """Turns YAML's nodes into plain values."""

    def __init__(self, name: str, tags: frozenset[str]) -> None:
        self._name = name
        self._tags = tags
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()
        self._numbers = yaml.constructor.SafeConstructor()

    def measure(self, node: yaml.Node, depth: int = 0) -> int:
        """How many values a node is with every alias written out; raises beyond the limit."""
        known = self._sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in self._open:
            raise self._failed(node, "holds an alias to itself")
        if depth > MAX_DEPTH:
            raise self._failed(node, "is nested too deeply")
        self._open.add(id(node))
        size = 1 + sum(self.measure(child, depth + 1) for child in _children(node))
        self._open.discard(id(node))
        if size > MAX_NODES:
            raise self._failed(node, f"becomes more than {MAX_NODES:,} values with its aliases written out")
        self._sizes[id(node)] = size
        return size

    def value(self, node: yaml.Node, depth: int) -> Any:
        """The plain value of a node."""
        if node.tag in self._tags:
            told = node.value if isinstance(node.value, str) else ""
            return Tagged(node.tag, told, self._name, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(child, depth + 1) for child in node.value]
        if isinstance(node, yaml.ScalarNode):
            if node.tag in _SCALARS:
                return _SCALARS[node.tag](node.value)
            if node.tag in _NUMBERS:
                return self._number(node)
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        raise self._failed(node, f"holds the tag {shown(tag)}, which is not read")

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        """Own keys win over those merged by `<<`, the last of two equal ones over the first."""
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, child in node.value:
            if key.tag == _MERGE:
                for source in reversed(child.value) if isinstance(child, yaml.SequenceNode) else (child,):
                    if not isinstance(source, yaml.MappingNode):
                        raise self._failed(source, "merges what is no mapping")
                    merged |= self._mapping(source, depth + 1)
            elif isinstance(key, yaml.ScalarNode):
                found = self.value(key, depth + 1)
                own[found if isinstance(found, str) else key.value] = self.value(child, depth + 1)
            else:
                raise self._failed(key, "has a key that is no text")
        return {**merged, **own}

    def _number(self, node: yaml.ScalarNode) -> Any:
        try:
            return _NUMBERS[node.tag](self._numbers, node)
        except (ValueError, KeyError, OverflowError):
            raise self._failed(node, f"holds {shown(node.value[:40])!r} where a number is meant") from None

    def _failed(self, node: yaml.Node, what: str) -> ImportFailed:
        line = node.start_mark.line + 1
        return ImportFailed(
            f"{shown(self._name)}, line {line}, {what}.",
            hint="Only plain YAML is read: texts, numbers, lists, mappings.",
        )


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _reason(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if problem is None:
        return str(error).partition("\n")[0][:200]
    return problem if mark is None else f"{problem} at line {mark.line + 1}, column {mark.column + 1}"
