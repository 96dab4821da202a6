"""Tokenization: tasks on the characters that tokens hide, each beside the same task on text whose tokens show them.

The positive control spells the word out with spaces (or uses plain words and short numbers): a model that fails there
too cannot do the task, and its tokens are not to blame. All answers are computed.
"""

import msgspec

from weakspot.generators.build import Kind, Matched, choice, lay_out, number, words
from weakspot.generators.draw import cycle
from weakspot.records import Generation, Probe

_WORDS: tuple[tuple[str, str], ...] = (
    ("cat", "easy"), ("lamp", "easy"), ("river", "easy"), ("banana", "easy"), ("window", "medium"),
    ("pepper", "medium"), ("kitchen", "medium"), ("balloon", "medium"), ("strawberry", "hard"), ("committee", "hard"),
    ("bookkeeper", "hard"), ("Mississippi", "hard"), ("umbrella", "medium"), ("sun", "easy"), ("grass", "easy"),
    ("rhinoceros", "hard"),
)  # fmt: skip
# A word of each script, with a plain word for the control.
_SCRIPTS: tuple[tuple[str, str, str, str], ...] = (
    ("Greek", "θάλασσα", "harbour", "easy"),
    ("Cyrillic", "дерево", "forest", "easy"),
    ("Hebrew", "שמיים", "garden", "medium"),
    ("Georgian", "მთვარე", "window", "hard"),
    ("Armenian", "ծաղիկ", "flower", "hard"),
    ("Thai", "ดอกไม้", "bridge", "hard"),
    ("Amharic", "ውሃ", "water", "hard"),
    ("Hangul", "나무", "tree", "medium"),
    ("Devanagari", "पानी", "paper", "medium"),
    ("Cherokee", "ᏣᎳᎩ", "stone", "hard"),
    ("Tamil", "மரம்", "branch", "hard"),
    ("Arabic", "كتاب", "letter", "medium"),
)
_EMOJI: tuple[tuple[str, str], ...] = (
    ("🐸", "frog"), ("🚲", "bicycle"), ("🍋", "lemon"), ("🦉", "owl"), ("🎈", "balloon"), ("🧦", "sock"),
    ("👩‍🚀", "astronaut"), ("🏳️‍🌈", "flag"), ("👍🏽", "thumb"),
)  # fmt: skip
_PHRASES: tuple[tuple[str, str], ...] = (
    ("redhouse", "red house"), ("coldmilk", "cold milk"), ("oldtrain", "old train"), ("fastboat", "fast boat"),
    ("softpillow", "soft pillow"), ("darkforest", "dark forest"), ("sweetapple", "sweet apple"),
    ("longwinter", "long winter"),
)  # fmt: skip
_RUNS = ("ab", "xo", "ha", "na", "tick", "do", "re", "mo")


class Tokenization(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Spelling, counting, reversing, digits, white space, rare scripts, emoji, joined words; each also spelled out."""

    tokens: int = 24
    """Tokens after which a reply is cut."""

    def probes(self, seed: int, n: int | None) -> list[Probe]:
        """The items for a seed."""
        kinds = (
            Kind("count-letter", 12, self._count),
            Kind("spell", 10, self._spell),
            Kind("reverse", 8, self._reverse),
            Kind("nth-letter", 10, self._nth),
            Kind("long-sum", 12, self._digits),
            Kind("last-digits", 8, self._tail),
            Kind("copy-script", 12, self._script, most=len(_SCRIPTS)),
            Kind("emoji", 9, self._emoji),
            Kind("white-space", 8, self._space),
            Kind("joined", 8, self._joined, most=len(_PHRASES)),
            Kind("run", 8, self._run),
        )
        return lay_out("tokenization", kinds, seed, n)

    def _start(self, made: Matched, level: str, tokens: int | None = None) -> None:
        made.tokens = tokens or self.tokens
        made.tags |= {"level": level}

    def _count(self, made: Matched) -> None:
        word, level = cycle(_WORDS, made.seed, made.index)
        self._start(made, level)
        letters = sorted(set(word.lower()))
        often = [letter for letter in letters if word.lower().count(letter) > 1]  # "1" must not be right too often
        letter = made.draw.pick(often if often and made.index % 4 else letters)
        asked = f"How many times does the letter {letter} occur in {{}}? Answer with a number."
        expect = number(word.lower().count(letter))
        made.add("treatment", "word", asked.format(f'"{word}"'), expect)
        made.add("positive-control", "spaced", asked.format(f'"{" ".join(word)}"'), expect)

    def _spell(self, made: Matched) -> None:
        word, level = cycle(_WORDS, made.seed, made.index + 3)
        self._start(made, level, 40)
        # Not white space alone: that is how the control shows the letters, and an echo would do.
        pattern = r"[ *]?[-‐‑–—,.][ *]?".join(word)
        expect = {"type": "regex", "pattern": rf"\b{pattern}\b", "ignore_case": True}
        made.add("treatment", "word", f'Spell "{word}" with a hyphen between the letters, like c-a-t-s.', expect)
        made.add(
            "positive-control", "spaced", f"Put hyphens in place of the spaces, like c-a-t-s: {' '.join(word)}", expect
        )

    def _reverse(self, made: Matched) -> None:
        word, level = cycle(_WORDS, made.seed, made.index + 5)
        self._start(made, level)
        back = r"[-\s]?".join(reversed(word))
        expect = {"type": "regex", "pattern": rf"\b{back}\b", "ignore_case": True}
        asked = "Write {} backwards, from the last letter to the first. Example: dog becomes god."
        made.add("treatment", "word", asked.format(f'"{word}"'), expect)
        made.add("positive-control", "spaced", asked.format(f'"{" ".join(word)}"'), expect)

    def _nth(self, made: Matched) -> None:
        word, level = cycle(_WORDS, made.seed, made.index + 8)
        self._start(made, level)
        place, at = made.draw.pick((("first", 0), ("second", 1), ("third", 2), ("last", -1)))
        letter = word[at].lower()
        expect = {"type": "regex", "pattern": _alone(letter)}
        asked = f"What is the {place} letter of {{}}? Answer with that letter only."
        made.add("treatment", "word", asked.format(f'the word "{word}"'), expect)
        made.add("positive-control", "spaced", asked.format(f'this row: "{" ".join(word)}"'), expect)

    def _digits(self, made: Matched) -> None:
        """Long numbers are cut into tokens at places that do not match; the control has the digits one by one."""
        size, level = ((2, "easy"), (4, "medium"), (6, "hard"))[made.index % 3]
        self._start(made, level, 32)
        a, b = (made.draw.number(10 ** (size - 1), 10**size // 2) for _ in range(2))
        digits = r"[\s,.]?".join(str(a + b))
        expect = {"type": "regex", "pattern": rf"(?<!\d){digits}(?!\d)"}
        asked = "What is {} + {}?{} Answer with the number only."
        made.add("treatment", "number", asked.format(a, b, ""), expect)
        spaced = asked.format(" ".join(str(a)), " ".join(str(b)), " The digits of each number are written apart.")
        made.add("positive-control", "spaced", spaced, expect)

    def _tail(self, made: Matched) -> None:
        size, level = ((4, "easy"), (7, "medium"), (10, "medium"), (14, "hard"))[made.index % 4]
        self._start(made, level)
        long = str(made.draw.number(10 ** (size - 1), 10**size - 1))
        tail = r"(?:[\s,-]|, | and )?".join(long[-2:])
        expect = {"type": "regex", "pattern": rf"(?<!\d)(?<!\d[\s,-]){tail}(?!\d)"}
        asked = "What are the last two digits of {}? Answer with these two digits only."
        made.add("treatment", "number", asked.format(long), expect)
        made.add("positive-control", "spaced", asked.format(" ".join(long)), expect)

    def _script(self, made: Matched) -> None:
        script, word, plain, level = cycle(_SCRIPTS, made.seed, made.index)
        self._start(made, level, 32)
        made.tags |= {"script": script}
        asked = "Write this word once more, letter for letter: {}"
        made.add("treatment", "script", asked.format(word), {"type": "contains", "value": word, "normalise": True})
        made.add("positive-control", "latin", asked.format(plain), words(plain))

    def _emoji(self, made: Matched) -> None:
        sign, name = cycle(_EMOJI, made.seed, made.index)
        self._start(made, "hard" if "\u200d" in sign or len(sign) > 1 else "medium")
        asked = "Copy this row without any change: {}"
        row = made.draw.number(2, 4)
        expect = {"type": "regex", "pattern": _row(sign, row, r"\s*")}
        plain = {"type": "regex", "pattern": _row(name, row, r"[\s,]*"), "ignore_case": True}
        made.add("treatment", "emoji", asked.format(sign * row), expect)
        made.add("positive-control", "words", asked.format(" ".join([name] * row)), plain)

    def _space(self, made: Matched) -> None:
        """The same list with odd white space between its words: tabs, many blanks, no-break spaces, line ends."""
        gap, level = (("     ", "easy"), ("\t", "easy"), ("\u00a0\u00a0", "medium"), (" \n \n ", "hard"))[
            made.index % 4
        ]
        self._start(made, level)
        row = made.draw.some(sorted({name for _, name in _EMOJI} | {word for word, _ in _WORDS[:8]}), 5)
        asked = "Which is the last word of this list? {}"
        expect = choice(row, row[-1])  # and not the word anywhere: an echo of the list has it too
        made.add("treatment", "odd", asked.format(gap.join(row)), expect)
        made.add("positive-control", "plain", asked.format(" ".join(row)), expect)

    def _joined(self, made: Matched) -> None:
        joined, apart = cycle(_PHRASES, made.seed, made.index)
        self._start(made, "medium" if made.index % 2 else "easy")
        expect = {"type": "regex", "pattern": apart.replace(" ", r"\s+"), "ignore_case": True}
        made.add("treatment", "joined", f"Put a space between the two words: {joined}", expect)
        made.add("positive-control", "dotted", f"Put a space in place of the hyphen: {apart.replace(' ', '-')}", expect)

    def _run(self, made: Matched) -> None:
        """A syllable repeated without a space, to be counted; the control has spaces."""
        piece = cycle(_RUNS, made.seed, made.index)
        count = made.draw.number(2, 4) + 3 * (made.index % 3)
        self._start(made, ("easy", "medium", "hard")[made.index % 3])
        asked = f'How many times does "{piece}" occur in this row: {{}}? Answer with a number.'
        cut = Generation(max_tokens=self.tokens)
        made.add("treatment", "run", asked.format(piece * count), number(count), generation=cut)
        made.add("positive-control", "spaced", asked.format(" ".join([piece] * count)), number(count), generation=cut)


def _alone(letter: str) -> str:
    """A pattern for a letter by itself, and not in a row of letters: "k i t" shows each of its letters."""
    row = rf"(?<!\b\w \w )(?<![\w'-]){letter}(?![\w'-])(?! \w \w\b)"
    return rf"(?i){row}(?!(?<=\b\w {letter}) \w\b)"


def _row(piece: str, count: int, gap: str) -> str:
    """A pattern for a piece as often as that, and not more often."""
    return rf"(?<!{piece})(?<!{piece} )(?<!{piece}, ){gap.join([piece] * count)}(?!{gap}{piece})"
