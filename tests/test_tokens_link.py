"""Token features of a run and their link to failures: measured as by hand, saved, joined, honest about chance."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

import weakspot
from link_fixture import make_tokenizer, write_rules, write_suite
from weakspot import tokens
from weakspot.api.tokens_features import FEATURES_VERSION
from weakspot.errors import NotARun, UsageError
from weakspot.findings.hypotheses import Fate, shattered_by_both, suppose, worst_term
from weakspot.records import from_json
from weakspot.records.features import CAUTION, CandidateFeatures, TokenLink
from weakspot.store.run import RunStore


@pytest.fixture
def planted(tmp_path: Path, own_cache: Path) -> tuple[Path, dict[str, str]]:
    """A run of 24 probes in which `a` fails where a word of many pieces is, and `b`, cutting it less, passes."""
    rows = [
        (f"p{i}", f"c{i % 2}", f"Say {'zzzzzz' if i % 4 < 2 else 'abcabc'}{chr(97 + i)} please {'x' * (i % 5)}")
        for i in range(24)
    ]
    suite = write_suite(tmp_path / "s.jsonl", rows)
    a = write_rules(tmp_path / "a.jsonl", ["zzzzzz"]) + "?name=a"
    b = write_rules(tmp_path / "b.jsonl", []) + "?name=b"
    weakspot.compare([a, b], suite=suite, out=tmp_path / "run")
    small = make_tokenizer(tmp_path, "small")
    large = make_tokenizer(tmp_path, "large", ["z z", "zz zz", "zzzz zz"])
    return tmp_path / "run", {"a": str(small), "b": str(large)}


def test_a_planted_association_is_found_in_a_run(planted: tuple[Path, dict[str, str]]) -> None:
    """Where a scripted model fails on words of many pieces, `fertility` is shown, with its sign; nothing is for b."""
    found = tokens.link(planted[0], tokenizers=planted[1])
    shown = {(one.candidate, one.feature): one for one in found.links if one.shown}
    assert ("a", "fertility") in shown
    assert (shown["a", "fertility"].effect or 0) > 0.5
    assert shown["a", "fertility"].test == "exact within categories"
    assert {candidate for candidate, _ in shown} == {"a"}
    assert found.caution == CAUTION
    assert all("never varies" in one.verdict or one.p is not None or one.effect is None for one in found.links)


def test_hypotheses_name_the_word_and_its_pieces(planted: tuple[Path, dict[str, str]]) -> None:
    """Each failure of a that b passes has its word, with the pieces that both tokenizers really give."""
    found = tokens.link(planted[0], tokenizers=planted[1])
    assert len(found.hypotheses) == 12
    first = next(one for one in found.hypotheses if one.probe == "p0")
    assert first.term == "zzzzzza"
    assert (first.pieces, first.other_pieces) == (7, 2)
    assert first.text == "Probe p0 fails on a and passes on b; its term `zzzzzza` is 7 pieces in a and 2 in b."
    assert any("Of 12 probes that a fails and b passes, 12 hold a word" in note for note in found.notes)


def test_features_are_saved_and_need_no_tokenizer_again(planted: tuple[Path, dict[str, str]]) -> None:
    """The second call reads what the first has saved, though the tokenizer's file is gone; nothing else changes."""
    folder, named = planted
    first = tokens.features(folder, tokenizers=named)
    before = dump(folder)
    for path in named.values():
        Path(path).unlink()
    assert tokens.features(folder) == first
    assert dump(folder) == before
    assert tokens.link(folder).links == tokens.link(folder).links
    with RunStore.open(folder) as store:
        assert from_json(store.meta("features/a") or b"", CandidateFeatures) == first[0]
        assert from_json(store.meta("token-link") or b"", TokenLink).caution == CAUTION
    assert weakspot.report(folder).summary.probes == 24


def dump(folder: Path) -> list[str]:
    """Everything that a run's database holds."""
    with sqlite3.connect(folder / "run.sqlite") as db:
        return list(db.iterdump())


def test_damaged_or_old_features_are_measured_again(planted: tuple[Path, dict[str, str]]) -> None:
    """Half a JSON, or another version of the measures, is not taken for features."""
    folder, named = planted
    good = tokens.features(folder, tokenizers=named)
    with RunStore.open(folder, write=True) as store:
        raw = store.meta("features/a") or b""
        store.set_meta("features/a", raw[: len(raw) // 2])
        old = (store.meta("features/b") or b"").replace(
            f'"version":{FEATURES_VERSION}'.encode(), f'"version":{FEATURES_VERSION + 1}'.encode()
        )
        store.set_meta("features/b", old)
    missing = tokens.features(folder)
    assert all("scripted model" in one.missing for one in missing)
    assert tokens.features(folder, tokenizers=named) == good


def test_a_candidate_without_a_tokenizer_is_told(planted: tuple[Path, dict[str, str]]) -> None:
    """One sentence and the option; with one tokenizer the other candidate is still linked; with none it is an error."""
    folder, named = planted
    with pytest.raises(UsageError) as caught:
        tokens.link(folder)
    assert "--tokenizer 'a=REFERENCE'" in caught.value.hint
    only = tokens.link(folder, tokenizers={"a": named["a"]})
    assert {one.candidate for one in only.links} == {"a"}
    assert any(note.startswith("b has no token features: A scripted model") for note in only.notes)
    assert only.hypotheses[0].other == ""
    assert "No second tokenizer" in only.hypotheses[0].text
    with pytest.raises(UsageError, match="no candidate 'c'"):
        tokens.features(folder, tokenizers={"c": named["a"]})


def test_one_tokenizer_for_both_explains_nothing_between_them(planted: tuple[Path, dict[str, str]]) -> None:
    """Two candidates with one tokenizer get the sentence that says so."""
    folder, named = planted
    found = tokens.link(folder, tokenizers={"a": named["a"], "b": named["a"]})
    assert any("a and b have one tokenizer" in note for note in found.notes)


def test_a_run_that_was_stopped_is_no_run_to_link(tmp_path: Path) -> None:
    """Without a summary, or without a run, the user is told."""
    with pytest.raises(NotARun):
        tokens.link(tmp_path)
    with pytest.raises(NotARun):
        tokens.features(tmp_path)


def test_only_counted_verdicts_enter(tmp_path: Path, own_cache: Path) -> None:
    """Controls and items without a verdict are left out of every test, and counted as left out."""
    rows = [("p0", "c", "abc"), ("p1", "c", "zzzz"), ("p2", "c", "zz")]
    suite = write_suite(tmp_path / "s.jsonl", rows)
    lines = [json.loads(line) for line in suite.read_text().splitlines()]
    lines.append({**lines[0], "id": "ctl", "arm": "control", "group": "g"})
    lines.append({**lines[0], "id": "judged", "expect": {"type": "rubric", "rubric": "Is it kind?"}})
    suite.write_text("\n".join(json.dumps(line) for line in lines))
    model = write_rules(tmp_path / "a.jsonl", ["zzzz"]) + "?name=a"
    weakspot.compare([model], suite=suite, out=tmp_path / "run")
    found = tokens.link(tmp_path / "run", tokenizers={"a": str(make_tokenizer(tmp_path))})
    out = found.left_out["a"]
    assert (out.used, out.unscored, out.controls, out.unmeasured) == (3, 1, 1, 0)
    counts = {one.feature: one.n for one in found.links}
    assert counts.pop("rarest") == 1  # of `abc` alone is a merge; the other two are letters
    assert set(counts.values()) == {3}


def test_no_association_is_seldom_shown_in_the_join(tmp_path: Path, own_cache: Path) -> None:
    """Of 200 runs whose failures are dice, at most 5% show any feature; real features of 40 core-like texts."""
    dice = np.random.default_rng(1)
    texts = [
        f"{'abc' * int(dice.integers(4))} z{'z' * int(dice.integers(6))} {dice.integers(10**5)}" for _ in range(40)
    ]
    suite = write_suite(tmp_path / "s.jsonl", [(f"p{i}", f"c{i % 3}", text) for i, text in enumerate(texts)])
    weakspot.compare([write_rules(tmp_path / "a.jsonl", []) + "?name=a"], suite=suite, out=tmp_path / "run")
    tokens.features(tmp_path / "run", tokenizers={"a": str(make_tokenizer(tmp_path))})
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as db:
        rows = [json.loads(row) for (row,) in db.execute("SELECT json FROM scores")]
    shown = 0
    for _ in range(200):
        with RunStore.open(tmp_path / "run", write=True) as store:
            for row in rows:
                row["passed"] = bool(dice.random() < 0.6)
            store.set_scores([(row["probe"], "a", json.dumps(row).encode()) for row in rows])
        shown += any(one.shown for one in tokens.link(tmp_path / "run").links)
    assert shown <= 10


@pytest.mark.parametrize(
    ("mine", "theirs", "word"),
    [
        ({"pembrolizumab": 6, "longer": 4}, {"pembrolizumab": 2}, "pembrolizumab"),
        ({"aaa": 5, "bbb": 6}, {"bbb": 2}, "bbb"),  # 4 more both: the one of more pieces
        ({"b": 4, "a": 4}, {}, "a"),
        ({"a": 3}, {}, None),
    ],
)
def test_the_rule_for_a_term(mine: dict[str, int], theirs: dict[str, int], word: str | None) -> None:
    """The largest difference wins, at least 3 pieces; then more pieces, then the alphabet."""
    found = worst_term(mine, theirs)
    assert (None if found is None else found.word) == word


def test_no_hypothesis_where_both_fail() -> None:
    """A supposition needs a failure of one and a pass of the other, on the same probe."""
    mine, theirs = {"w": 6}, {"w": 2}
    fates = {name: Fate(failed, mine) for name, failed in (("p", True), ("q", True), ("r", False), ("s", True))}
    others = {"p": Fate(True, theirs), "q": Fate(False, theirs), "r": Fate(False, theirs)}
    assert [one.probe for one in suppose("a", fates, "b", others)] == ["q"]


def test_what_both_shatter_is_told_with_its_base_rate() -> None:
    """Of what both fail the word of most pieces in both is named, with how often such words are where both pass."""
    pieces = {"p": {"w": 9, "v": 4}, "q": {"w": 4}, "r": {"w": 5}, "s": {"w": 9}}
    ours = {name: Fate(name != "r", words) for name, words in pieces.items()}
    theirs = {name: Fate(name != "r", {"w": 3 if name == "s" else 4, "v": 8}) for name in pieces}
    said = shattered_by_both("a", ours, "b", theirs)
    assert said == (
        "Of 3 probes that both fail, 2 hold a word of 4 pieces or more in both, the worst `w` in p: 9 in a and 4 in b; "
        "of 1 probe that both pass, 1."
    )
    assert shattered_by_both("a", ours, "b", {"s": theirs["s"]}) == ""


def test_the_commands(
    planted: tuple[Path, dict[str, str]], tmp_path: Path, weakspot_command: Callable[..., CompletedProcess[str]]
) -> None:
    """Text carries the caution and the word; JSON and CSV carry every row; a mistake is one sentence and exit code 2."""
    folder, named = planted
    options = [word for name, path in named.items() for word in ("--tokenizer", f"{name}={path}")]
    table = tmp_path / "f.csv"
    text = weakspot_command("tokens", "features", str(folder), *options, "--csv", str(table), "--rows", "2")
    assert (text.returncode, text.stderr) == (0, "")
    assert "... and 22 more" in text.stdout
    assert len(table.read_text().splitlines()) == 49
    data = json.loads(weakspot_command("tokens", "features", str(folder), "--json").stdout)
    assert [len(one["rows"]) for one in data] == [24, 24]
    linked = weakspot_command("tokens", "link", str(folder))
    assert linked.returncode == 0
    assert CAUTION in linked.stdout
    assert "`zzzzzza` is 7 pieces in a and 2 in b" in " ".join(linked.stdout.split())
    assert json.loads(weakspot_command("tokens", "link", str(folder), "--json").stdout)["caution"] == CAUTION
    for wrong in (("features",), ("link", str(folder), "--tokenizer", "nonsense"), ("features", "x", "--rows", "y")):
        failed = weakspot_command("tokens", *wrong)
        assert failed.returncode == 2
        assert "Traceback" not in failed.stderr


def test_hostile_words_do_not_steer_the_terminal(
    tmp_path: Path, own_cache: Path, weakspot_command: Callable[..., CompletedProcess[str]]
) -> None:
    """Control characters in ids of probes (the C1 range, which a probe file may hold) and in words are made visible."""
    suite = write_suite(tmp_path / "s.jsonl", [("p\x9b31m", "c", "\x1b]0;zzzzzzzz\x07"), ("q", "c", "abc")])
    weakspot.compare([write_rules(tmp_path / "a.jsonl", ["zz"]) + "?name=a"], suite=suite, out=tmp_path / "run")
    named = f"a={make_tokenizer(tmp_path)}"
    for action in ("features", "link"):
        shown = weakspot_command("tokens", action, str(tmp_path / "run"), "--tokenizer", named)
        assert shown.returncode == 0
        assert "\\x9b31m" in shown.stdout
        assert not {"\x1b", "\x07", "\x9b"} & set(shown.stdout)
