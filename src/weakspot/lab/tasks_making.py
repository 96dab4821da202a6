"""How the sequences of each task are made, as tokens that a person can read.

A maker takes a generator and a length and gives three things: what is asked, as a text that says on which side of the
split it falls; the prompt's tokens; the answer's tokens. What is asked leaves tokenization out, so that both additions
split alike.
"""

import math
import string
from collections.abc import Callable
from random import Random
from typing import NamedTuple

LETTERS = tuple(string.ascii_lowercase)
DIGITS = tuple(string.digits)
OPENING, CLOSING = ("(", "[", "{", "<"), (")", "]", "}", ">")
MATCH = dict(zip(OPENING, CLOSING, strict=True))
MOST_CLOSED = 2
"""Groups that are already closed, scattered over a brackets prompt."""
KEYS = tuple(f'"{letter}"' for letter in LETTERS[:10])
END_KEY = '"end"'
LITERALS = ("true", "false", "null")
JSON_TOKENS = ("{", "}", "[", "]", ",", ":", *KEYS, END_KEY, *DIGITS, *LITERALS)
GROUPS = (*DIGITS, *(str(n) for n in range(10, 1000)), *(f"{n:03d}" for n in range(100)))

Made = tuple[str, list[str], list[str]]


class Kind(NamedTuple):
    """A task: its tokens, its maker, how many prompts a length has at least, most tokens of prompt and answer.

    `most` is the longest length there is.
    """

    tokens: tuple[str, ...]
    make: Callable[[Random, int], Made]
    space: Callable[[int], int]
    sizes: Callable[[int], tuple[int, int]]
    most: int = 1000


def _copy(random: Random, length: int) -> Made:
    text = random.choices(LETTERS, k=length)
    return "".join(text), text, text


def _reverse(random: Random, length: int) -> Made:
    text = random.choices(LETTERS, k=length)
    return "".join(text), text, text[::-1]


def _sorting(random: Random, length: int) -> Made:
    text = random.sample(LETTERS, k=length)
    return "".join(text), text, sorted(text)


def _recall(random: Random, length: int) -> Made:
    """Pairs of a key and a value, then all keys in another order; the answer is each asked key with its value.

    The answer repeats the keys: with the values alone of eight asked keys, GPT-2 had learnt nothing after 1000 steps
    (2 to 4 pairs), since each value hangs on a key that stands nowhere near; with them it needs 200.
    """
    keys = random.sample(LETTERS, k=length)
    values = dict(zip(keys, random.choices(DIGITS, k=length), strict=True))
    asked = random.sample(keys, k=length)
    text = [token for pair in values.items() for token in pair] + ["?", *asked]
    return "".join(text), text, [token for key in asked for token in (key, values[key])]


def _brackets(random: Random, length: int) -> Made:
    """Open brackets with closed groups among them; the answer closes what is open, the last one first."""
    opened = random.choices(OPENING, k=length)
    places: list[list[str]] = [[] for _ in range(length + 1)]
    for _ in range(random.randint(0, MOST_CLOSED)):
        places[random.randint(0, length)] += _group(random)
    text = list(places[0])
    for token, group in zip(opened, places[1:], strict=True):
        text += [token, *group]
    return "".join(text), text, [MATCH[token] for token in reversed(opened)]


def _group(random: Random) -> list[str]:
    inner: list[str] = []
    for _ in range(random.randint(1, 2)):
        token = random.choice(OPENING)
        inner = [token, *inner, MATCH[token]]
    return inner


def _json(random: Random, length: int) -> Made:
    """A document cut at its innermost value.

    An object ends with the key that it began with, an array with its first number, so that what is missing is known:
    `{ "b" : [ 3 , true` goes on with `, 3 ] , "end" : "b" }`.
    """
    text: list[str] = []
    answer: list[str] = []
    for _ in range(length):
        if random.random() < 0.5:
            key = random.choice(KEYS)
            text += ["{", key, ":"]
            answer = [",", END_KEY, ":", key, "}", *answer]
        else:
            number = random.choice(DIGITS)
            text += ["[", number, ","]
            answer = [",", number, "]", *answer]
    text.append(random.choice((*DIGITS, *LITERALS)))
    return "".join(text), text, answer


def _numbers(random: Random, length: int) -> tuple[int, int]:
    low = 10 ** (length - 1) if length > 1 else 0
    return random.randrange(low, 10**length), random.randrange(low, 10**length)


def _addition(random: Random, length: int) -> Made:
    first, second = _numbers(random, length)
    return f"{first}+{second}", [*str(first), "+", *str(second)], list(str(first + second))


def _addition_triples(random: Random, length: int) -> Made:
    first, second = _numbers(random, length)
    return f"{first}+{second}", [*triples(first), "+", *triples(second)], triples(first + second)


def triples(number: int) -> list[str]:
    """A number in groups of three digits, as its thousands are set off: 1234567 is 1, 234, 567."""
    return f"{number:,}".split(",")


KINDS: dict[str, Kind] = {
    "copy": Kind(LETTERS, _copy, lambda n: 26**n, lambda n: (n, n)),
    "reverse": Kind(LETTERS, _reverse, lambda n: 26**n, lambda n: (n, n)),
    "recall": Kind(
        (*LETTERS, *DIGITS, "?"),
        _recall,
        lambda n: math.perm(26, n) * 10**n * math.factorial(n),
        lambda n: (3 * n + 1, 2 * n),
        most=26,
    ),
    "sorting": Kind(LETTERS, _sorting, lambda n: math.perm(26, n), lambda n: (n, n), most=26),
    "brackets": Kind((*OPENING, *CLOSING), _brackets, lambda n: 4**n, lambda n: (n + 4 * MOST_CLOSED, n)),
    "json": Kind(JSON_TOKENS, _json, lambda n: 13 * 20**n, lambda n: (3 * n + 1, 5 * n)),
    "addition": Kind((*DIGITS, "+"), _addition, lambda n: 81 * 100 ** (n - 1), lambda n: (2 * n + 1, n + 1)),
    "addition-triples": Kind(
        (*GROUPS, "+"),
        _addition_triples,
        lambda n: 81 * 100 ** (n - 1),
        lambda n: (2 * math.ceil(n / 3) + 1, n // 3 + 1),
    ),
}
