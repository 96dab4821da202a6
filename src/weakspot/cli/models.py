"""`weakspot models list | pull | show`."""

import sys
from typing import Any

from weakspot import registry
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json

EXAMPLES = """\
  weakspot models list
  weakspot models pull smollm2
  weakspot models show gemma3-270m
  weakspot models show "path/model.gguf?temperature=0.7" --json

a model reference is one of:
  smollm2                              a bundled name
  path/to/model.gguf                   a GGUF file
  path/to/folder, hf:org/name          a Hugging Face folder, or a hub id (needs the extra [torch])
  hf:org/name#file.gguf                a GGUF file on a hub (needs the extra [hub])
  http://host:8000/v1#model            an OpenAI-compatible endpoint (key from OPENAI_API_KEY)
  scripted:echo                        a deterministic model for trying things out
  candidates.toml, candidates.toml#a   candidates named in a TOML file
options behind it, as ?key=value&key=value: name, system, template, temperature, top_p, max_tokens, seed, dtype,
  quantisation, threads, slots, backend; for endpoints also timeout, concurrency, price_in, price_out, key_env"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("models", "List, fetch and look at models.", EXAMPLES)
    parser.add_argument("action", choices=("list", "pull", "show"))
    parser.add_argument("model", nargs="?", help="a bundled name (pull) or a model reference (show)")
    parser.add_argument("--accept-licence", "--accept-license", action="store_true", help="accept the model's terms")
    parser.add_argument("--force", action="store_true", help="fetch again even if it is there")
    add_json(parser)
    given = parser.parse_args(words)
    if given.action != "list" and not given.model:
        parser.error(f"{given.action} needs a model")
    if given.action == "list":
        return _list(as_json=given.json)
    if given.action == "pull":
        return _pull(given.model, given.accept_licence, given.force, given.json)
    return _show(given.model, as_json=given.json)


def _list(*, as_json: bool) -> int:
    rows = registry.load("calls", "list_models")()
    if as_json:
        print_json(rows)
        return 0
    for row in rows:
        state = "fetched" if row["fetched"] else f"{row['bytes'] / 1e6:.0f} MB to fetch"
        sys.stdout.write(f"{row['name']:<14}{row['title']:<32}{row['kind']:<6}{row['licence']:<20}{state}\n")
    sys.stdout.write("\nAlso GGUF files, Hugging Face folders, endpoints: weakspot models --help\n")
    return 0


def _pull(name: str, accept: bool, force: bool, as_json: bool) -> int:
    progress = registry.load("faces", "progress")()
    with progress:
        path = registry.load("calls", "pull_model")(
            name, accept_licence=accept, progress=progress.fetching, force=force
        )
    if as_json:
        print_json({"name": name, "path": str(path)})
    else:
        sys.stdout.write(f"{path}\n")
    return 0


def _show(reference: str, *, as_json: bool) -> int:
    shown = registry.load("calls", "show_model")(reference)
    data: dict[str, Any] = registry.load("faces", "to_builtins")(shown)
    if as_json:
        print_json(data)
        return 0
    candidate, card = data["candidate"], data["card"]
    _line("reference", candidate["reference"])
    _line("backend", candidate["kind"])
    for key, value in candidate["options"].items():
        _line(key, value)
    _line("licence", data["licence"] or "not stated")
    for key, value in (card or {}).items():
        if value not in (None, [], {}, ""):
            _line(key, value)
    if card is None:
        sys.stdout.write("no architecture card: no headers can be read here\n")
    return 0


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_said(entry)}" for key, entry in value.items() if entry is not None)
    if isinstance(value, list | tuple):
        return "; ".join(map(_said, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _line(key: str, value: Any) -> None:
    text = _said(value)
    sys.stdout.write(f"{key.replace('_', ' '):<24}{visible(text)}\n")
