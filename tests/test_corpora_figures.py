"""Figures that are made of a whole batch at once are those of one document at a time, done slowly."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from small_corpora import MIXED, tokenizer_json
from weakspot.corpora.characters import Oddities
from weakspot.corpora.counting import Counted, suspect_words, token_kinds
from weakspot.corpora.laying import Laid, Layer
from weakspot.corpora.offenders import MOST, add, largest
from weakspot.corpora.summing import renyi_efficiency
from weakspot.findings.document import Document
from weakspot.findings.measures import is_word, pieces_of, runs
from weakspot.findings.odd_characters import find_forms, find_invisible, find_mixed_scripts
from weakspot.findings.odd_words import LEAST_PIECES, WORD_BYTE, _runs, _tokens
from weakspot.findings.profile import profile_of
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.fast import Encoder
from weakspot.tokens.load_hf import from_json

TOKENIZER = from_json(tokenizer_json(), "small")
ENCODER, LAYER = Encoder(TOKENIZER), Layer(TOKENIZER)
KINDS = token_kinds(TOKENIZER.vocabulary, profile_of(TOKENIZER))
TEXTS = st.lists(st.one_of(st.text(max_size=40), st.sampled_from(MIXED)), max_size=6)


def laid_out(texts: list[str]) -> Laid:
    """Documents side by side; each of them must come back as it was."""
    laid, loose = LAYER.lay(texts, ENCODER.batch(texts))
    assert loose == []
    return laid


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_ids_and_offsets_of_a_batch_are_those_of_each_document(texts: list[str]) -> None:
    """For any texts, ids and byte offsets out of a batch equal `Tokenizer.encode` of each."""
    laid = laid_out(texts)
    assert [laid.encoded(row) for row in range(len(texts))] == [TOKENIZER.encode(text) for text in texts]


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_words_and_pieces_of_a_batch_are_those_of_each_document(texts: list[str]) -> None:
    """For any texts, words and their pieces equal those that `measures` finds character by character."""
    counted = Counted(laid_out(texts), KINDS, straight=True)
    for row, text in enumerate(texts):
        found = list(runs(text))
        pieces = pieces_of(found, TOKENIZER.encode(text))
        named = [many for run, many in zip(found, pieces, strict=True) if is_word(run.text)]
        assert (counted.words[row], counted.pieces[row]) == (len(named), sum(named)), text


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_words_of_many_pieces_are_all_found(texts: list[str]) -> None:
    """Looking for three inner tokens in a row finds every word of four pieces and more, with its number of pieces."""
    laid = laid_out(texts)
    begins, ends, counts = suspect_words(laid, Counted(laid, KINDS, straight=True), LEAST_PIECES)
    many = counts >= LEAST_PIECES
    found = list(zip(begins[many].tolist(), ends[many].tolist(), counts[many].tolist(), strict=True))
    expected = []
    for row, text in enumerate(texts):
        document = Document(TOKENIZER, text, TOKENIZER.encode(text))
        starts, stops = _runs(WORD_BYTE[document.raw])
        pieces = _tokens(document, starts, stops)
        shift = int(laid.begins[row])
        rows = zip(starts.tolist(), stops.tolist(), pieces.tolist(), strict=True)
        expected += [(a + shift, b + shift, n) for a, b, n in rows if n >= LEAST_PIECES]
    assert found == expected


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_no_document_with_an_odd_character_is_passed_over(texts: list[str]) -> None:
    """Where a detector of characters finds something, the look at the whole batch has named the document."""
    oddities = Oddities(texts)
    counted = Counted(laid_out(texts), KINDS, straight=True)
    for row, text in enumerate(texts):
        document = Document(TOKENIZER, text, TOKENIZER.encode(text))
        if any(find_invisible(document)):
            assert row in oddities.unseen or row in counted.controlled
        if any(find_mixed_scripts(document)):
            assert row in oddities.mixed
        if any(finding.code == "look-alike-form" for finding in find_forms(document)):
            assert row in oddities.forms


def test_a_document_that_changes_is_loose() -> None:
    """A batch whose ids stand for other bytes than the text's names that document, and lays out the others."""
    texts = ["the of", "and to", "in that"]
    batch = ENCODER.batch(texts)
    ids = batch.ids.copy()
    ids[int(batch.counts[0])] = 5
    laid, loose = LAYER.lay(texts, batch._replace(ids=ids))
    assert (laid.places, loose) == ([0, 2], [1])


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", ["gpt2", "cl100k", "o200k", "llama3.1", "qwen3", "deepseek-v3", "mistral-nemo"])
def test_the_fast_engine_gives_the_librarys_ids(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """On every source file of this folder and the mixed texts, the fast engine's ids are the library's."""
    tokenizer = real_tokenizer(name)
    encoder = Encoder(tokenizer)
    assert encoder.is_fast
    texts = [*MIXED, *(path.read_text("utf-8")[:5000] for path in sorted(Path(__file__).parent.glob("*.py")))]
    batch = encoder.batch(texts)
    assert np.array_equal(batch.ids, np.concatenate([np.asarray(tokenizer.ids(text), np.uint32) for text in texts]))


def test_renyi_efficiency_of_even_frequencies_is_one() -> None:
    """Tokens that are all equally frequent use a vocabulary fully; one token alone does not use it at all."""
    assert renyi_efficiency(np.full(50, 7), 50) == pytest.approx(1)
    assert renyi_efficiency(np.asarray([0, 9, 0]), 50) == 0
    assert renyi_efficiency(np.asarray([0, 0]), 50) is None


def test_the_most_frequent_are_kept_in_bounded_memory() -> None:
    """However many things come by, at most twice `MOST` are kept, the frequent ones exactly."""
    kept: dict[str, tuple[int, int, tuple[int, ...], bool]] = {}
    forgot = False
    for block in range(5):
        rare = {f"rare {block} {n}": (1, 4, (n,)) for n in range(MOST)}
        forgot = add(kept, {"often": (100, 5, (1, 2)), **rare}, forgot=forgot)
        assert len(kept) <= 2 * MOST
    assert forgot
    assert next(iter(largest(kept, 1))) == ("often", (500, 5, (1, 2), True))
    assert not all(entry[3] for entry in kept.values())
