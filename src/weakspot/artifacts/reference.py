"""Model references: one way to name a candidate, the same everywhere.

    smollm2                              a bundled name
    path/to/model.gguf                   a GGUF file
    path/to/folder                       a Hugging Face folder
    hf:org/name, hf:org/name#file.gguf   a hub id
    http(s)://host/v1#model              an OpenAI-compatible endpoint
    scripted:NAME                        a deterministic model for tests and demos
    python:module:object                 the user's own code: a function, a LangChain runnable, a query engine
    candidates.toml#name                 a candidate named in a TOML file

Options follow behind `?` as `key=value`, joined by `&`: the same weights with another system prompt are another
candidate. An endpoint's own query string is not supported: what follows `?` is ours.
"""

import math
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from weakspot.artifacts.zoo import ZOO
from weakspot.errors import UnknownModel, UsageError
from weakspot.records import Candidate

OPTIONS: dict[str, type] = {
    "name": str,
    "system": str,
    "template": str,
    "temperature": float,
    "top_p": float,
    "max_tokens": int,
    "seed": int,
    "dtype": str,
    "quantisation": str,
    "threads": int,
    "slots": int,
    "batch": int,
    "backend": str,
    "latency": float,
    "timeout": float,
    "concurrency": int,
    "max_concurrency": int,
    "price_in": float,
    "price_out": float,
    "key_env": str,
    "completions": str,
    "limit_field": str,
    "takes": str,
    "input": str,
    "output": str,
}
"""Every option and its type; anything else is a mistake that is told at once."""

LEAST: dict[str, float] = {
    "temperature": 0,
    "top_p": 0,
    "max_tokens": 1,
    "seed": 0,
    "threads": 1,
    "slots": 1,
    "batch": 1,
    "latency": 0,
    "timeout": 0.001,
    "concurrency": 1,
    "max_concurrency": 1,
    "price_in": 0,
    "price_out": 0,
}
MOST: dict[str, float] = {"top_p": 1, "temperature": 100, "seed": 2**32 - 1, "slots": 256, "batch": 4096}
LONGEST = 4096
SPELLINGS = {"quantization": "quantisation"}


def parse(reference: str) -> Candidate:
    """A candidate out of a reference.

    Raises:
        UnknownModel: it names nothing that can be found.
        UsageError: an option is unknown or has a wrong value.
    """
    text = reference.strip()
    if len(text) > LONGEST:
        raise UnknownModel(f"A model reference of {len(text)} characters names nothing.")
    head, _, query = text.partition("?")
    if head.partition("#")[0].endswith(".toml"):
        return _from_toml(head, _options(query, text))
    options = _options(query, text)
    name = str(options.pop("name", "")) or text
    kind, location, model = _locate(head, text)
    return Candidate(name=name, reference=text, kind=kind, location=location, model=model, options=options)


def parse_all(references: list[str]) -> list[Candidate]:
    """Candidates out of references; a TOML file without `#name` gives all that it names. Names are made unique."""
    found: list[Candidate] = []
    for reference in references:
        if reference.strip().endswith(".toml"):
            path = Path(reference.strip())
            found += [_from_toml(f"{path}#{name}", {}) for name in _table(path)]
        else:
            found.append(parse(reference))
    names = [candidate.name for candidate in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"Two candidates are named {name!r}.", hint="Give one another name: REFERENCE?name=another-name"
            )
    return found


def _locate(head: str, text: str) -> tuple[Any, str, str]:
    if not head:
        raise UnknownModel("A model reference is empty.", hint="`weakspot models list` shows the bundled names.")
    if head in ZOO:
        return "gguf", head, ""
    if head.startswith("scripted:"):
        return "scripted", head.removeprefix("scripted:"), ""
    if head.startswith("python:"):
        return "python", _python(head), ""
    if head.startswith(("http://", "https://")):
        return "endpoint", *_endpoint(head)
    if head.startswith("hf:"):
        location, _, file = head.removeprefix("hf:").partition("#")
        if location.count("/") != 1 or not all(location.split("/")):
            raise UnknownModel(f"{head!r} is no hub id.", hint="A hub id looks like hf:org/name or hf:org/name#f.gguf.")
        return "gguf" if file.endswith(".gguf") else "hf", head.partition("#")[0], file
    return _local(Path(head).expanduser(), text)


def _python(head: str) -> str:
    location = head.removeprefix("python:")
    module, _, path = location.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        raise UnknownModel(f"{head!r} names no Python object.", hint="Like python:my_app.chains:support_chain.")
    return location


def _endpoint(head: str) -> tuple[str, str]:
    url, _, model = head.partition("#")
    try:
        parts = urlsplit(url)
        _ = parts.port  # read lazily, and wrong only then
    except ValueError as error:
        raise UnknownModel(f"{url!r} is no address: {error}.", hint="Like http://host:port/v1#model.") from None
    if parts.username or parts.password:
        raise UsageError(
            "A key does not belong into a model reference: references are written into records.",
            hint="Put it into the environment: OPENAI_API_KEY=…, or name another variable by ?key_env=NAME.",
        )
    if not parts.hostname:
        raise UnknownModel(f"{url!r} names no host.", hint="An endpoint looks like http://host:port/v1#model.")
    return url.rstrip("/"), model


def _local(path: Path, text: str) -> tuple[Any, str, str]:
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        is_folder = is_file = False
    if is_folder:
        if (path / "config.json").is_file():
            return "hf", str(path), ""
        raise UnknownModel(
            f"{path} is a folder without a config.json.", hint="Name a Hugging Face folder or a GGUF file."
        )
    if is_file:
        return "gguf", str(path), ""
    raise UnknownModel(
        f"Nothing is known under the model reference {text!r}.",
        hint=f"It is no bundled name ({', '.join(ZOO)}), no file and no folder; "
        "see `weakspot models --help` for the forms a reference can have.",
    )


def _options(query: str, text: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        options[SPELLINGS.get(key, key)] = _option(SPELLINGS.get(key, key), value, text)
    return options


def _option(key: str, value: Any, where: str) -> Any:
    if key not in OPTIONS:
        raise UsageError(f"The option {key!r} in {where!r} is unknown.", hint=f"Known: {', '.join(OPTIONS)}.")
    kind = OPTIONS[key]
    try:
        found = kind(value)
    except (TypeError, ValueError):
        raise UsageError(
            f"The option {key}={value!r} in {where!r} is not {'a whole number' if kind is int else 'a number'}."
        ) from None
    least, most = LEAST.get(key, -math.inf), MOST.get(key, math.inf)
    if kind is not str and not (math.isfinite(found) and least <= found <= most):
        raise UsageError(f"The option {key}={value!r} in {where!r} is out of range: {least:g} to {most:g}.")
    return found


def _table(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UnknownModel(f"{path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}.") from error
    found = data.get("candidates")
    if not isinstance(found, dict) or not found:
        raise UsageError(f"{path} names no candidates.", hint='Write [candidates.NAME] with model = "REFERENCE".')
    return found


def _from_toml(head: str, extra: dict[str, Any]) -> Candidate:
    file, name = head.partition("#")[::2]
    table = _table(Path(file).expanduser())
    row = table.get(name)
    if not isinstance(row, dict) or not isinstance(row.get("model"), str):
        raise UnknownModel(f"{file} has no candidate {name!r} with a model.", hint=f"It names: {', '.join(table)}.")
    place, mark, query = row["model"].partition("?")
    if place.partition("#")[0].endswith(".toml"):
        raise UsageError(f"The candidate {name!r} in {file} names another TOML file.", hint="Name a model.")
    beside = Path(file).expanduser().parent / place  # a path is meant from where the TOML file lies
    if place.startswith("python:"):
        raise UsageError(
            f"The candidate {name!r} in {file} is Python code, which no file may name.",
            hint=f"Code runs only where you name it yourself: {place}",
        )
    inner = parse(f"{beside if beside.exists() else place}{mark}{query}")
    named = {SPELLINGS.get(str(key), str(key)): value for key, value in row.items() if key != "model"}
    own = {key: _option(key, value, head) for key, value in named.items()}
    options = {**inner.options, **own, **extra}
    shown = str(options.pop("name", name))
    return Candidate(
        name=shown,
        reference=canonical(inner.reference.partition("?")[0], options),
        kind=inner.kind,
        location=inner.location,
        model=inner.model,
        options=options,
    )


def canonical(head: str, options: dict[str, Any]) -> str:
    """A reference with its options spelled out, which `parse` reads back to the same candidate."""
    query = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in options.items())
    return f"{head}?{query}" if query else head
