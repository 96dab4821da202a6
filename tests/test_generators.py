"""Generators: the same seed, the same probes; the suites that ship are their output."""

from importlib import resources

import pytest

from weakspot import list_generators, make_probes, registry
from weakspot.errors import UsageError
from weakspot.generators.build import Kind, Matched, lay_out
from weakspot.generators.draw import Draw
from weakspot.probes.check import check_lines
from weakspot.probes.load import parse_lines
from weakspot.probes.suite import load_suite
from weakspot.probes.write import probe_line, write_probes

GENERATORS = list(registry.BUILT_IN["generators"])
SEEDS = (1, 2, 7, 12345)


def folder(generator: str) -> str:
    """The suite that a generator's file stands in."""
    first = generator.partition("-")[0]
    return first if first in ("bias", "sycophancy") else generator


@pytest.mark.parametrize("name", GENERATORS)
def test_the_suite_that_ships_is_what_the_seed_gives(name: str) -> None:
    """Seed 0 gives the committed file, byte for byte."""
    file = resources.files("weakspot.probes").joinpath("suites", folder(name), f"{name}.jsonl")
    made = "".join(f"{probe_line(probe)}\n" for probe in make_probes(name))
    assert made.encode() == file.read_bytes()


@pytest.mark.parametrize("name", GENERATORS)
def test_other_seeds_give_good_probes_of_other_names(name: str) -> None:
    """Every seed gives probes without an error, with ids that the suite that ships does not use."""
    shipped = {probe.id for probe in make_probes(name)}
    for seed in SEEDS:
        made = make_probes(name, seed=seed)
        problems = check_lines([probe_line(probe) for probe in made])
        assert [str(problem) for problem in problems if problem.severity == "error"] == []
        assert not shipped & {probe.id for probe in made}


@pytest.mark.parametrize("name", [g for g in GENERATORS if g != "refusal"])
def test_other_seeds_ask_other_things(name: str) -> None:
    """Another seed changes what is asked, not only the ids."""
    asked = [{(probe.messages, probe.prompt) for probe in make_probes(name, seed=seed, n=12)} for seed in (0, 1)]
    assert asked[0] - asked[1]


@pytest.mark.parametrize("name", GENERATORS)
def test_more_sets_leave_the_first_as_they_were(name: str) -> None:
    """Asking for more sets adds some and changes none: ids are stable."""
    few, many = ({probe.id: probe for probe in make_probes(name, n=n)} for n in (6, 11))
    assert few.items() <= many.items()
    assert len({probe.group for probe in few.values()}) == 6


def test_a_table_that_ends_is_no_endless_loop() -> None:
    """Where every kind has an end, more sets than there are give all of them."""
    assert len({probe.group for probe in make_probes("refusal", n=5000)}) == 68


def test_settings_are_read_as_text() -> None:
    """Settings come as text from the command line: lists with commas, numbers, and false."""
    probes = make_probes("long-context", n=4, settings={"lengths": "30,60", "depths": "0", "distractors": "2"})
    assert {probe.tags["length"] for probe in probes} <= {"30", "60", "2400"}
    assert make_probes("structured", n=1, settings={"strict": "true"})[0].expect["fenced"] is False


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("no-such", {}, "no generator named 'no-such'"),
        ("bias", {"colour": "red"}, "no setting 'colour'"),
        ("long-context", {"lengths": "30,x"}, r"lengths\[1\]"),
        ("multilingual", {"languages": "de,xx"}, "no language 'xx'"),
    ],
)
def test_wrong_settings_are_told(name: str, settings: dict[str, str], told: str) -> None:
    """A wrong generator, setting or value gets one sentence that names it."""
    with pytest.raises(UsageError, match=told):
        make_probes(name, settings=settings)


@pytest.mark.parametrize(("seed", "n"), [(-1, None), (0, 0), (0, 10**9)])
def test_sizes_have_bounds(seed: int, n: int | None) -> None:
    """A seed below 0 and a size of none or beyond reason are refused."""
    with pytest.raises(UsageError, match="seed is 0 or more"):
        make_probes("refusal", seed=seed, n=n)


def test_every_generator_says_what_it_makes() -> None:
    """Each has a sentence, its settings with defaults, and its size."""
    found = {one.name: one for one in list_generators()}
    assert list(found) == GENERATORS
    assert all(one.about.endswith(".") and one.counted + one.controls for one in found.values())
    assert found["consistency"].settings == {"samples": 3, "temperature": 0.8}


def test_draws_are_the_same_everywhere() -> None:
    """The sequence of a key is fixed: suites come out the same on every machine and Python."""
    draw = Draw("suite", "kind", 3, 0)
    assert [draw.number(0, 9) for _ in range(8)] == [4, 0, 7, 5, 6, 6, 7, 3]
    assert sorted(Draw("x").shuffled("abcdef")) == list("abcdef")
    assert all(2 <= Draw(key).number(2, 4) <= 4 for key in range(200))


def test_kinds_are_dealt_in_turn() -> None:
    """Sets are dealt to the kinds in turn, and a kind that has an end leaves the rest to the others."""

    def make(made: Matched) -> None:
        made.add(None, "", "?", {"type": "exact", "value": "x"})

    kinds = (Kind("a", 5, make, most=1), Kind("b", 5, make), Kind("c", 5, make))
    assert [p.id for p in lay_out("s", kinds, 0, 5)] == ["s/a-01", "s/b-01", "s/b-02", "s/c-01", "s/c-02"]


def test_written_lines_read_back_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is written is what is read, for every probe of every suite; defaults are left out."""
    probes = load_suite("all")
    file = tmp_path_factory.mktemp("w") / "all.jsonl"
    write_probes(probes, file)
    assert parse_lines(file.read_text("utf-8").split("\n"), "all") == probes
    assert '"prompt": null' not in file.read_text("utf-8")
    with pytest.raises(UsageError, match="Cannot write"):
        write_probes(probes[:1], file.parent / "no" / "such.jsonl")
