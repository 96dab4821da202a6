"""Opens the tokenizer inside a GGUF file, so that it gives the ids that llama.cpp gives.

Byte-level BPE and WordPiece go to the `tokenizers` library as an equal `tokenizer.json`, SentencePiece's kinds to
`sentencepiece` as an equal model; both are made in memory.
"""

from pathlib import Path

from weakspot.errors import UnknownTokenizer
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.gguf_json import LONGEST_WORD, added_tokens, bpe_json, wordpiece_json
from weakspot.tokens.gguf_pieces import pair_proto, unigram_proto
from weakspot.tokens.gguf_vocabulary import GGUFVocabulary, read_gguf_vocabulary, read_vocabulary
from weakspot.tokens.load_hf import from_json
from weakspot.tokens.load_sentencepiece import from_proto

__all__ = ["load_gguf", "read_vocabulary"]

FORMAT = "gguf"


def load_gguf(path: Path, name: str) -> Tokenizer:
    """The tokenizer of a GGUF file.

    Args:
        path: the file; its weights are not read.
        name: as the user named it.

    Raises:
        UnknownModel: nothing is there.
        CorruptFile: the file is damaged, or contradicts itself.
        UnknownTokenizer: it has a tokenizer of a kind that is not read.
    """
    file = read_gguf_vocabulary(path)
    if file.model in ("gpt2", "gemma4"):
        return _of_json(file, bpe_json(file), name)
    if file.model == "bert":
        text = wordpiece_json(file)
        file.remarks.append(
            f"A word of more than {LONGEST_WORD} characters is one unknown token, as in BERT's own tokenizer; "
            "llama.cpp cuts it up. It also takes a literal U+2581 inside a word for the beginning of another."
        )
        return _of_json(file, text, name)
    if file.model in ("llama", "t5"):
        return _of_proto(file, name)
    raise UnknownTokenizer(
        f"{path.name} has a tokenizer of the kind {file.model[:40]!r}, which is not read.",
        hint="Read are gpt2 (byte-level BPE), gemma4, llama (SentencePiece), t5 (Unigram) and bert (WordPiece).",
    )


def _of_json(file: GGUFVocabulary, text: bytes, name: str) -> Tokenizer:
    return from_json(text, name, format=FORMAT, remarks=file.remarks, vocabulary=file.vocabulary())


def _of_proto(file: GGUFVocabulary, name: str) -> Tokenizer:
    if file.model == "llama":
        proto, frame = pair_proto(file), file.frame(adds_bos=True, adds_eos=False, bos=1, eos=2)
    else:
        proto, frame = unigram_proto(file), file.frame(adds_bos=False, adds_eos=True, bos=None, eos=1)
    before, behind = frame
    tokenizer = from_proto(
        proto,
        name,
        format=FORMAT,
        added=added_tokens(file),
        where=file.file,
        prefix=before,
        suffix=behind,
        parses_special=True,
    )
    # The kinds are the file's own: for the library some of its tokens are control pieces (see `gguf_pieces`).
    return Tokenizer(
        name=name,
        format=FORMAT,
        engine=tokenizer.engine,
        vocabulary=file.vocabulary(),
        model=tokenizer.model,
        pipeline=tokenizer.pipeline,
        remarks=file.remarks,
    )
