"""Model references."""

from pathlib import Path

import pytest

from weakspot.artifacts.reference import canonical, parse, parse_all
from weakspot.errors import UnknownModel, UsageError, WeakspotError


def test_bundled_name() -> None:
    """A bundled name is a GGUF candidate of that name."""
    candidate = parse("smollm2")
    assert (candidate.kind, candidate.location, candidate.name) == ("gguf", "smollm2", "smollm2")


def test_options_are_typed() -> None:
    """Options behind a reference get the type they are used with."""
    options = parse("smollm2?temperature=0.7&seed=1&system=Be%20brief.&slots=2").options
    assert options == {"temperature": 0.7, "seed": 1, "system": "Be brief.", "slots": 2}


def test_american_spelling() -> None:
    """`quantization` means `quantisation`."""
    assert parse("scripted:echo?quantization=q4").options == {"quantisation": "q4"}


@pytest.mark.parametrize(
    ("reference", "kind", "location", "model"),
    [
        ("http://localhost:8000/v1#m", "endpoint", "http://localhost:8000/v1", "m"),
        ("https://host/v1/", "endpoint", "https://host/v1", ""),
        ("hf:org/name", "hf", "hf:org/name", ""),
        ("hf:org/name#f.gguf", "gguf", "hf:org/name", "f.gguf"),
        ("scripted:echo", "scripted", "echo", ""),
    ],
)
def test_forms(reference: str, kind: str, location: str, model: str) -> None:
    """Every form of a reference is read as what it is; a GGUF file on a hub is llama.cpp's."""
    candidate = parse(reference)
    assert (candidate.kind, candidate.location, candidate.model) == (kind, location, model)


def test_local_files(tmp_path: Path) -> None:
    """A file is a GGUF candidate, a folder with a config.json a Hugging Face one."""
    (tmp_path / "config.json").write_text("{}")
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF")
    assert parse(str(file)).kind == "gguf"
    assert parse(str(tmp_path)).kind == "hf"


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        ("nothing-like-it", UnknownModel),
        ("", UnknownModel),
        ("hf:only-one-part", UnknownModel),
        ("http://", UnknownModel),
        ("smollm2?temprature=1", UsageError),
        ("smollm2?temperature=warm", UsageError),
        ("smollm2?seed=1.5", UsageError),
        ("https://me:secret@host/v1#m", UsageError),
        ("http://[::1", UnknownModel),
        ("http://host:99999999/v1#m", UnknownModel),
        ("a" * 5000, UnknownModel),
        ("b" * 300, UnknownModel),
        ("scripted:echo?slots=0", UsageError),
        ("scripted:echo?temperature=nan", UsageError),
        ("scripted:echo?max_tokens=-5", UsageError),
        ("smollm2?seed=999999999999999999999999", UsageError),
    ],
)
def test_mistakes_are_told(reference: str, kind: type[WeakspotError]) -> None:
    """A mistaken reference gives one sentence with a hint or the value, never a traceback of another kind."""
    with pytest.raises(kind) as caught:
        parse(reference)
    assert caught.value.message
    assert "secret" not in caught.value.message + caught.value.hint


def test_toml(tmp_path: Path) -> None:
    """A TOML file names candidates, one or all, and their options come out as if written behind the reference."""
    file = tmp_path / "c.toml"
    file.write_text(
        '[candidates.plain]\nmodel = "smollm2"\n[candidates.terse]\nmodel = "smollm2"\nsystem = "Be brief."\n'
    )
    assert [c.name for c in parse_all([str(file)])] == ["plain", "terse"]
    terse = parse(f"{file}#terse")
    assert terse.options == {"system": "Be brief."}
    assert parse(terse.reference).options == terse.options


@pytest.mark.parametrize("text", ["[candidates", "x = 1", '[candidates.a]\nsystem = "x"'])
def test_bad_toml(tmp_path: Path, text: str) -> None:
    """A TOML file that is broken or names no candidate is told in a sentence."""
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises((UsageError, UnknownModel)):
        parse(f"{file}#a")


def test_names_are_unique() -> None:
    """The same reference twice needs a name, since every table is by name."""
    with pytest.raises(UsageError, match="Two candidates"):
        parse_all(["scripted:echo", "scripted:echo"])
    assert len(parse_all(["scripted:echo", "scripted:echo?name=again"])) == 2


def test_canonical_reads_back() -> None:
    """A canonical reference reads back to the same options, whatever a system prompt holds."""
    options = {"system": "a&b=c?d #é", "seed": 3}
    assert parse(canonical("scripted:echo", options)).options == options


def test_toml_in_a_ring(tmp_path: Path) -> None:
    """A TOML file that names a TOML file is refused instead of followed for ever."""
    file = tmp_path / "c.toml"
    file.write_text(f'[candidates.a]\nmodel = "{file}#a"\n')
    with pytest.raises(UsageError, match="another TOML"):
        parse(f"{file}#a")


def test_toml_names_files_beside_it(tmp_path: Path) -> None:
    """A path in a TOML file is meant from where that file lies."""
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    file = tmp_path / "c.toml"
    file.write_text('[candidates.a]\nmodel = "m.gguf?seed=3"\n')
    found = parse(f"{file}#a")
    assert (found.location, found.options) == (str(tmp_path / "m.gguf"), {"seed": 3})
