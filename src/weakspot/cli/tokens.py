"""`weakspot tokens ACTION`: only names and sentences; each action's own module is loaded when it is called."""

import sys

from weakspot import registry
from weakspot.errors import UsageError

ACTIONS: dict[str, str] = {
    "show": "the pieces of a text under one or more tokenizers, what is lost and where",
    "explain": "why a text splits so: the merges, the lattice, the greedy trail",
    "audit": "a corpus: losses and their stage, shattered words, cost by language",
    "diff": "the same corpus under two tokenizers, paired",
    "glitch": "under-trained tokens of a model, found and verified",
    "injection": "what plain user text can turn into a control id",
    "train": "a tokenizer for a domain, measured on held-back text",
    "extend": "domain tokens for a pretrained model, measured before and after",
    "bpe": "byte-pair encoding from scratch, every step shown",
    "features": "the token features of every response of a run",
    "link": "which token features go with a run's failures",
}
FIRST_STEPS = """\
A tokenizer is named by a file, a folder, a bundled name, a model or a hub id: bert-minilm, smollm2, tokenizer.json,
tokenizer.model, x.tiktoken, tekken.json, model.gguf, hf:org/name. Begin with:
  weakspot tokens show "naïve ﬁle x² 🤦🏽‍♂️" -t bert-minilm -t smollm2

weakspot tokens ACTION --help shows an action's options and examples.
From Python: import weakspot; weakspot.tokens.show("naïve", ["bert-minilm"])"""


def run(words: list[str]) -> int:
    """Run the action that the first word names."""
    if not words or words[0] in ("-h", "--help", "help"):
        lines = ["Takes a tokenizer apart: where text is lost, why a word splits there, and what it costs.", ""]
        lines += [f"  {name:<11}{ACTIONS[name]}" for name in ACTIONS if name in registry.BUILT_IN["token_actions"]]
        sys.stdout.write("\n".join([*lines, "", FIRST_STEPS]) + "\n")
        return 0
    if words[0] not in registry.BUILT_IN["token_actions"]:
        known = ", ".join(registry.BUILT_IN["token_actions"])
        raise UsageError(f"There is no action {words[0]!r}.", hint=f"weakspot tokens has: {known}.")
    return int(registry.load("token_actions", words[0])(words[1:]))
