"""An explanation is run step by step on the model's own data, and its ids are the encoder's."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers

from hard_texts import HARD_TEXTS, LONG_TEXTS, SURROGATE_TEXTS, long_run
from token_references import FILES
from weakspot import tokens
from weakspot.records.explanation import ExplainedSegment, Explanation
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_hf import from_json
from weakspot.tokens.load_sentencepiece import from_proto
from weakspot.tokens.parts import BPE, Unigram, WordPiece
from weakspot.tokens.probe_texts import PROBE_TEXTS
from weakspot.tokens.spm_proto import model_proto
from weakspot.tracing.explaining import Tracer, explain_text
from weakspot.tracing.lattice import Lattice
from weakspot.tracing.trace_bpe import rule_of, trace_bpe

NAMES = sorted(FILES)
TEXTS = (*HARD_TEXTS, *PROBE_TEXTS, *SURROGATE_TEXTS)
WORDS = "The unbelievable pembrolizumab naïve 12345 don't  lowercase\n"


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", NAMES)
def test_the_trace_is_the_encoders(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """On every hard and probe text the traced ids are the encoder's, whatever is done with special text."""
    tokenizer = real_tokenizer(name)
    tracer = Tracer(tokenizer)
    for text in TEXTS:
        for special in (None, True, False):
            assert tracer.ids(text, parse_special=special) == tokenizer.ids(text, parse_special=special), text


@pytest.mark.tokenizers
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_trace_of_long_texts_is_the_encoders(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """The same for texts of 10,000 characters and for all hard texts in one."""
    tokenizer = real_tokenizer(name)
    tracer = Tracer(tokenizer)
    for text in (*LONG_TEXTS, "".join(HARD_TEXTS), "\n".join(reversed(HARD_TEXTS)) * 3):
        assert tracer.ids(text) == tokenizer.ids(text), text[:20]


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", ["gpt2", "mistral-spm", "o200k", "deberta-v3", "bert-minilm"])
def test_a_run_of_100000_letters_is_explained(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """One word of 100,000 letters is traced whole, its list of steps is cut, and what is left out is counted."""
    found = explain_text(real_tokenizer(name), long_run("ab"), others=4, most_steps=50)
    assert found.agrees
    for segment in found.segments:
        assert len(segment.steps) <= 50
        assert len(segment.seams) <= 50
        if isinstance(real_tokenizer(name).model, BPE):
            assert segment.left_out > 0


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", NAMES)
def test_segments_lie_in_the_text_in_order(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Segments follow each other, with what is dropped between them they are the whole input, and hold all ids."""
    for text in TEXTS:
        found = explain_text(real_tokenizer(name), text, others=0)
        assert found.agrees
        assert found.difference is None
        assert found.ids == tuple(i for segment in found.segments for i in segment.ids)
        raw = found.text.encode()
        done = 0
        for segment in found.segments:
            assert 0 <= segment.start <= segment.end <= len(raw)
            assert segment.dropped == raw[done : segment.start].decode("utf-8", "replace")
            assert segment.source == raw[segment.start : segment.end].decode("utf-8", "replace")
            assert len(segment.tokens) == len(segment.ids)
            done = max(done, segment.end)


def replayed(model: BPE, segment: ExplainedSegment) -> list[str]:
    """The tokens that the listed merges make of a segment's starting symbols, one after the other."""
    trace = trace_bpe(model, segment.text)
    if segment.whole:
        return [segment.text]
    parts = [(place, symbol) for place, symbol in zip(trace.places, trace.symbols, strict=False)]
    for step in segment.steps:
        # Bytes of one character share a place, so the left part is sought by place and text.
        at = next(
            n
            for n, ((place, left), (_, right)) in enumerate(pairwise(parts))
            if (place, left, right) == (step.at, step.left, step.right)
        )
        parts[at : at + 2] = [(step.at, step.joined)]
    return [text for _, text in parts]


BPES = [name for name in NAMES if name not in ("bert-minilm", "deberta-v3", "deberta-v3-spm")]


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", BPES)
def test_the_listed_merges_lead_to_the_tokens(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Done one after the other, the listed merges turn a segment's symbols into its tokens, and each is a real merge."""
    tokenizer = real_tokenizer(name)
    model = tokenizer.model
    assert isinstance(model, BPE)
    rule = rule_of(model)
    steps = 0
    for text in (*PROBE_TEXTS, WORDS, *HARD_TEXTS):
        for segment in explain_text(tokenizer, text).segments:
            if segment.whole:
                assert segment.steps == segment.seams == ()
                continue
            symbols = replayed(model, segment)
            last = trace_bpe(model, segment.text).merged.symbols
            assert symbols == last
            for step in segment.steps:
                made = rule(step.left, step.right)
                assert made is not None
                order, joined = made
                assert joined == step.joined
                assert order == (step.rank if step.rank is not None else -(step.score or 0.0))
                steps += 1
    assert steps > 100


def is_known(model: BPE, left: str, right: str) -> bool:
    """Whether a merge of these two exists."""
    return rule_of(model)(left, right) is not None


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", BPES)
def test_what_seams_say_is_true(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """No merge joins two parts said to stay apart; a merge said to have lost exists, with that rank, and came later
    than the one that beat it, with which it shares a part.
    """
    tokenizer = real_tokenizer(name)
    model = tokenizer.model
    assert isinstance(model, BPE)
    reasons = set()
    for text in (*PROBE_TEXTS, WORDS, *HARD_TEXTS):
        for segment in explain_text(tokenizer, text).segments:
            for seam in segment.seams:
                reasons.add(seam.reason)
                assert not is_known(model, seam.left, seam.right), seam
                joined = seam.left + seam.right[len(model.prefix) :]
                if seam.reason == "no-token":
                    assert joined not in model.vocab
                    assert not seam.lost
                if seam.reason == "no-merge":
                    assert joined in model.vocab
                    assert not seam.lost
                for lost in seam.lost:
                    check_lost(model, segment, lost)
    assert {"no-token", "blocked"} <= reasons


def check_lost(model: BPE, segment: ExplainedSegment, lost: Any) -> None:
    """A merge that lost a part: it exists, its order is right, and the winner came first and overlaps it."""
    made = rule_of(model)(lost.merge.left, lost.merge.right)
    assert made is not None
    order = lost.merge.rank if lost.merge.rank is not None else -lost.merge.score
    first = lost.by.rank if lost.by.rank is not None else -lost.by.score
    assert made == (order, lost.merge.joined)
    assert first <= order
    low, high = lost.merge.at, lost.merge.at + len(lost.merge.joined.encode("latin-1", "replace"))
    assert lost.by in segment.steps
    assert lost.by.at <= high
    assert low <= lost.by.at + len(lost.by.joined)


def small(merges: Sequence[tuple[str, str]]) -> Tokenizer:
    """A BPE over letters, with every token that the merges make."""
    vocab = {letter: number for number, letter in enumerate("abcdelorw")}
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    made = Library(models.BPE(vocab, list(merges)))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return from_json(made.to_str(), "small")


LOWER = (("l", "o"), ("lo", "w"), ("e", "r"), ("low", "er"))


def test_without_a_merge_the_trace_is_another() -> None:
    """Taken out of the model's data, a merge is missing from the trace, which then differs from the library and says so."""
    tokenizer = small(LOWER)
    whole = explain_text(tokenizer, "lower")
    assert whole.segments[0].tokens == ("lower",)
    assert [(step.rank, step.joined) for step in whole.segments[0].steps] == [
        (0, "lo"),
        (1, "low"),
        (2, "er"),
        (3, "lower"),
    ]
    model = tokenizer.model
    assert isinstance(model, BPE)
    for left, right in LOWER:
        merges = {pair: rank for pair, rank in model.merges.items() if pair != (left, right)}
        tokenizer.model = replace(model, merges=merges)
        found = explain_text(tokenizer, "lower")
        assert left + right not in [step.joined for step in found.segments[0].steps]
        assert not found.agrees
        assert found.difference is not None
        assert found.difference.encoded == tuple(tokenizer.ids("lower"))
        assert found.difference.traced == found.ids


def test_another_rank_changes_who_blocks_whom() -> None:
    """Which of two merges comes first decides the tokens, and the seam names the winner with its rank."""
    for merges, expected, loser in (
        ((("a", "b"), ("b", "c")), ("ab", "c"), ("b", "c")),
        ((("b", "c"), ("a", "b")), ("a", "bc"), ("a", "b")),
    ):
        found = explain_text(small(merges), "abc")
        segment = found.segments[0]
        assert segment.tokens == expected
        (seam,) = segment.seams
        assert seam.reason == "blocked"
        (lost,) = seam.lost
        assert (lost.merge.left, lost.merge.right, lost.merge.rank) == (*loser, 1)
        assert (lost.by.joined, lost.by.rank) == ("".join(merges[0]), 0)
        assert "came first" in seam.message


def test_a_seam_without_token_and_one_without_merge() -> None:
    """Two neighbours whose text is no token are told apart from two whose text is one that no merge makes."""
    data = json.loads(small((("a", "b"),)).engine._tokenizer.to_str())  # type: ignore[attr-defined]
    data["model"]["vocab"]["cd"] = len(data["model"]["vocab"])
    tokenizer = from_json(json.dumps(data), "x")
    first, second = (explain_text(tokenizer, text).segments[0].seams[0] for text in ("ac", "cd"))
    assert (first.reason, "'ac' is no token" in first.message) == ("no-token", True)
    assert (second.reason, "no merge makes it" in second.message) == ("no-merge", True)


def test_the_word_boundary_is_named() -> None:
    """A segment says what cut it off and what was dropped before it."""
    found = explain_text(small(LOWER), "low  er")
    assert [(s.source, s.cause, s.dropped) for s in found.segments] == [
        ("low", "start", ""),
        ("er", "pre-tokenizer", "  "),
    ]


PIECES = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
UNIGRAM = {"▁": -2.0, "a": -3.0, "b": -3.5, "ab": -4.0, "▁a": -4.5, "▁ab": -5.0, "ba": -5.5, "aba": -9.0}


def unigram(scores: dict[str, float]) -> Tokenizer:
    """A SentencePiece Unigram model of a few pieces."""
    proto = model_proto(
        [*PIECES, *((text, score, 1) for text, score in scores.items())],
        kind="unigram",
        byte_fallback=False,
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
    )
    return from_proto(proto, "unigram", format="sentencepiece")


def ways(text: str, scores: dict[str, float]) -> Iterator[tuple[float, tuple[str, ...]]]:
    """Every segmentation of a text and its sum, by brute force."""
    if not text:
        yield 0.0, ()
    for end in range(1, len(text) + 1):
        if (score := scores.get(text[:end])) is not None:
            for total, rest in ways(text[end:], scores):
                yield score + total, (text[:end], *rest)


@pytest.mark.parametrize("text", ["ab", "abab", "ababa", "bab ab", "aabb"])
def test_the_best_ways_are_the_best_of_all(text: str) -> None:
    """The best segmentation and the next four are those of all possible ones, found by brute force, in order."""
    (segment,) = explain_text(unigram(UNIGRAM), text, others=4).segments
    every = sorted(ways("▁" + text.replace(" ", "▁"), UNIGRAM), reverse=True)
    found = [(way.log_probability, way.tokens) for way in segment.segmentations]
    assert [total for total, _ in found] == pytest.approx([total for total, _ in every[:5]], abs=1e-5)
    for total, parts in found:
        assert sum(UNIGRAM[part] for part in parts) == pytest.approx(total, abs=1e-5)
        assert "".join(parts) == segment.text
    assert len({parts for _, parts in found}) == len(found)
    assert segment.tokens == found[0][1]


def test_another_score_changes_the_best_way() -> None:
    """Made unlikely in the model's data, a token leaves the best way, and the trace says that the library disagrees."""
    tokenizer = unigram(UNIGRAM)
    assert explain_text(tokenizer, "ab").segments[0].tokens == ("▁ab",)
    assert isinstance(tokenizer.model, Unigram)
    number = tokenizer.model.vocab["▁ab"][0]
    tokenizer.model = replace(tokenizer.model, vocab={**tokenizer.model.vocab, "▁ab": (number, -50.0)})
    found = explain_text(tokenizer, "ab")
    assert found.segments[0].tokens == ("▁", "ab")
    assert not found.agrees


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", ["deberta-v3", "deberta-v3-spm"])
def test_sums_and_order_of_real_ways(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Five different segmentations each, in the order of their sums, each spelling the segment with the file's scores."""
    tokenizer = real_tokenizer(name)
    assert isinstance(tokenizer.model, Unigram)
    lattice = Lattice(tokenizer.model, single=tokenizer.engine.library == "sentencepiece")
    for segment in explain_text(tokenizer, "pembrolizumab acetylsalicylic naïve").segments:
        sums = [way.log_probability for way in segment.segmentations]
        assert len(sums) == 5
        assert sums == sorted(sums, reverse=True)
        assert len({way.tokens for way in segment.segmentations}) == 5
        for way in segment.segmentations:
            assert "".join(way.tokens) == segment.text
            assert sum(way.scores) == pytest.approx(way.log_probability)
            scores = [
                tokenizer.model.vocab[t][1] if i >= 0 else lattice.unknown_score
                for t, i in zip(way.tokens, way.ids, strict=True)
            ]
            assert list(way.scores) == pytest.approx(scores, rel=1e-6)


@pytest.mark.tokenizers
def test_the_greedy_trail_is_greedy(real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Each turn of WordPiece names every longer text that is no token and the first that is one."""
    tokenizer = real_tokenizer("bert-minilm")
    model = tokenizer.model
    assert isinstance(model, WordPiece)
    turns = 0
    for text in (*TEXTS, WORDS):
        for segment in explain_text(tokenizer, text).segments:
            at = 0
            for turn in segment.trail:
                assert turn.at == at
                prefix = model.prefix if at else ""
                lengths = range(len(segment.text), at, -1)
                candidates = [prefix + segment.text[at:end] for end in lengths]
                known = [candidate for candidate in candidates if candidate in model.vocab]
                assert turn.found == (known[0] if known else None)
                assert list(turn.tried) == candidates[: candidates.index(known[0]) if known else None]
                at += len(turn.found or "") - len(prefix)
                turns += 1
    assert turns > 500


def test_words_pick_segments_and_ids_stay_whole() -> None:
    """With `words` only the segments that hold one are listed; ids and agreement are of the whole text."""
    found = explain_text(small(LOWER), "low er lower", words=["lower"])
    assert [segment.source for segment in found.segments] == ["lower"]
    assert found.ids == explain_text(small(LOWER), "low er lower").ids


@pytest.mark.tokenizers
def test_the_command_prints_what_the_call_returns(
    weakspot_command: Callable[..., Any], tokenizers_folder: Path
) -> None:
    """`tokens explain --json` is the call's record; the picture names merges, seams and agreement, and exits with 0."""
    path = str(tokenizers_folder / "gpt2" / "tokenizer.json")
    done = weakspot_command("tokens", "explain", "--json", "-t", path, " pembrolizumab")
    assert done.returncode == 0, done.stderr
    found: Explanation = tokens.explain(" pembrolizumab", path)
    assert json.loads(done.stdout)["ids"] == list(found.ids)
    said = weakspot_command("tokens", "explain", "-t", path, " pembrolizumab").stdout
    assert "merges in order" in said
    assert "why not joined" in said
    assert "the same as the library's" in said


@pytest.mark.tokenizers
def test_nothing_in_a_text_steers_the_terminal(weakspot_command: Callable[..., Any], tokenizers_folder: Path) -> None:
    """Escape sequences, bidi overrides and NULs in a text come out as visible characters."""
    path = str(tokenizers_folder / "gpt2" / "tokenizer.json")
    done = weakspot_command("tokens", "explain", "-t", path, "a\x1b[31mred\u202e")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


def test_a_spelt_byte_piece_is_unknown_to_sentencepiece() -> None:
    """Unknown letters that together spell a byte piece fall into bytes, since sentencepiece looks nothing up again."""
    byte_pieces = [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]
    proto = model_proto(
        [*PIECES, *byte_pieces, ("▁", -1.0, 1), ("a", -2.0, 1)],
        kind="unigram",
        byte_fallback=True,
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
    )
    tokenizer = from_proto(proto, "bytes", format="sentencepiece")
    assert explain_text(tokenizer, "<0x0A>").agrees
    assert len(tokenizer.ids("<0x0A>")) == 7
