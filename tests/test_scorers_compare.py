"""Finding texts, numbers and options in replies."""

import unicodedata
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weakspot.records import Message, Probe
from weakspot.scorers.compare import Folded, evidence, find, fold, sentences, shorten
from weakspot.scorers.number import last_number
from weakspot.scorers.picking import pick, shows_letters

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=[]), max_size=60)


@given(ANY_TEXT)
@example("e\u0301\u0323 \u1100\u1161\u11a8 ﬁ “q”")
def test_normalising_piecewise_is_nfkc(text: str) -> None:
    """Folding cluster by cluster gives what NFKC gives to the whole, apart from quotes and dashes."""
    whole = unicodedata.normalize("NFKC", text)
    if not any(c in whole + text for c in "‘’‚‛ʼ′＇“”„‟«»″＂‐‑‒–—―−"):
        # A few scripts compose two letters of combining class 0; there the parts stay apart, and equal each other.
        assert unicodedata.normalize("NFKC", fold(text, normalise=True).text) == whole


@given(ANY_TEXT, st.booleans(), st.booleans())
def test_span_is_of_the_original(text: str, ignore_case: bool, normalise: bool) -> None:
    """Whatever the folding, a text is found in itself at its own full span."""
    folded = fold(text, ignore_case=ignore_case, normalise=normalise)
    assert find(folded, folded) == ((0, len(text)) if text else None)


@pytest.mark.parametrize(
    ("text", "needle", "span"),
    [
        ("Straße", "SS", (4, 5)),
        ("the ﬁsh", "fish", (4, 7)),
        ("un cafe\u0301.", "CAFÉ", (3, 8)),
        ("say “hi”", '"HI"', (4, 8)),
        ("ＡＢＣ１２３", "abc123", (0, 6)),
        ("a – b", "a - b", (0, 5)),
        ("İstanbul", "i̇s", (0, 2)),
    ],
)
def test_folded_find(text: str, needle: str, span: tuple[int, int]) -> None:
    """A folded match is told by its span in the original text."""
    assert find(_all(text), _all(needle)) == span


@pytest.mark.parametrize(
    ("text", "needle", "found"),
    [
        ("Parisian", "Paris", False),
        ("in Paris.", "Paris", True),
        ("Parisian Paris", "Paris", True),
        ("snake_case", "case", False),
        ("no.", "no.", True),
        ("a+b", "+", True),
        ("été", "t", False),
    ],
)
def test_whole_word(text: str, needle: str, found: bool) -> None:
    """A whole word has no letter, digit or underscore beside it; punctuation needs none."""
    assert (find(Folded(text, None), Folded(needle, None), whole_word=True) is not None) == found


def test_sentences() -> None:
    """Sentences end at a full stop before white space, or at a line's end; a decimal point ends none."""
    text = "It is 3.5 km. Really? Yes!\n\nB) two"
    assert [text[a:b].strip() for a, b in sentences(text)] == ["It is 3.5 km.", "Really?", "Yes!", "B) two"]


def test_evidence_is_cut() -> None:
    """A quote carries at most 200 characters, the span all of them; a long text is told in one short line."""
    noted = evidence("rule", "x" * 1000, (0, 1000))
    assert (len(noted.quote), noted.end) == (200, 1000)
    assert shorten("a\nb " * 100, 10) == "a b a b a…"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", "1234"),
        ("1 234 is it.", "1234"),
        ("12\u202f345,5", "12345.5"),
        ("1'000'000", "1000000"),
        ("12,345,678.90", "12345678.90"),
        ("-3.5", "-3.5"),
        ("x = −7", "-7"),
        ("-$5", "-5"),
        ("$1,200", "1200"),
        ("1e3", "1000"),
        ("2.5e-3 m", "0.0025"),
        ("1.5 × 10^3", "1500"),
        ("2.5x10⁻³", "0.0025"),
        ("It is 42.", "42"),
        ("45%", "45"),
        (".5", "0.5"),
        ("3,14", "3.14"),
        ("1,2,3", "3"),
        ("10-3", "3"),
        ("COVID-19", "19"),
        ("5 + 3 = 8", "8"),
        ("in 2023, 100", "100"),
        ("5km", "5"),
        ("1st of 2nd", "2"),
        ("3/4", "4"),
        ("٣", "3"),
        ("7.", "7"),
        ("(12)", "12"),
        ("**1,024**", "1024"),
    ],
)
def test_last_number(text: str, value: str) -> None:
    """The last number is read with its separators, sign and exponent, and its span is the numeral."""
    found = last_number(text)
    assert found is not None
    assert found[0] == Decimal(value)
    assert any(c.isdigit() for c in text[slice(*found[1])])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The letter n occurs twice.", 2),
        ("It occurs once in the word.", 1),
        ("Twelve.", 12),
        ("twenty-five apples, or two hundred and five", 205),
        ("There is one.", 1),
        ("Three, that is 4", 4),
        ("seven letters, and no one else knows", 7),
        ("SixTeen", 16),
        ("ninety-nine or seventeen", 17),
        ("minus five", -5),
        ("two hundred and five hundred", 500),
    ],
)
def test_a_number_in_words(text: str, value: int) -> None:
    """Where a reply holds no numeral its last number in words counts, and its span is those words."""
    found = last_number(text)
    assert found is not None
    assert found[0] == value
    assert text[slice(*found[1])].strip() == text[slice(*found[1])] != ""


@pytest.mark.parametrize(
    "text",
    [
        "No one knows.",
        "One of them.",
        "Once again, yes.",
        "tenor",
        "three and a half",
        "three point five",
        "fıve",
        "not once",
    ],
)
def test_words_that_only_look_like_numbers(text: str) -> None:
    """A pronoun, an adverb and a word that begins with a number are no number."""
    assert last_number(text) is None


@pytest.mark.parametrize("text", ["", "dozens", "GPT4", "H2O", "-", "$", "e5", "1e999999999", "9" * 5000])
def test_no_number(text: str) -> None:
    """Other words, digits inside words and numerals beyond any finite number are no number."""
    assert last_number(text) is None


@given(st.integers(-(10**15), 10**15), st.sampled_from(["{}", "{:,}", "It is {:,}.", "a 7, then {}", "**{}**"]))
def test_integers_are_read_back(value: int, form: str) -> None:
    """Any integer, with or without thousands separators, is read back exactly."""
    found = last_number(form.format(value))
    assert found is not None
    assert found[0] == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_read_back(value: float) -> None:
    """Any finite float as Python prints it is read back exactly."""
    found = last_number(f"x = {value!r}")
    assert found is not None
    assert found[0] == Decimal(repr(value))


@pytest.mark.timeout(10)
@pytest.mark.parametrize("part", ["9", "1,", "1 ", "1.", "1,2", "1e", "-", "10^", "1'000"])
def test_hostile_numbers_are_fast(part: str) -> None:
    """A million characters of numerals are read within seconds."""
    last_number(part * (1_000_000 // len(part)))


CITIES = ("Paris", "Rome")
PICKS = [
    ("Rome", CITIES, "Rome"),
    ("rome.", CITIES, "Rome"),
    ('"Rome"', CITIES, "Rome"),
    ("**Rome**", CITIES, "Rome"),
    ("B", CITIES, "Rome"),
    ("b)", CITIES, "Rome"),
    ("(b)", CITIES, "Rome"),
    ("B) Rome", CITIES, "Rome"),
    ("Answer: B", CITIES, "Rome"),
    ("The answer is (B).", CITIES, "Rome"),
    ("The answer is: Rome.", CITIES, "Rome"),
    ("I would choose Rome because of the food in Paris.", CITIES, "Rome"),
    ("Paris? No. Final answer: Rome. The answer is Paris.", CITIES, "Rome"),
    ("It is Rome. Paris is in France.", CITIES, "Rome"),
    ("not Paris, Rome", CITIES, "Rome"),
    ("Rome rather than Paris", CITIES, "Rome"),
    ("The pilot is not Anna, but rather Paul.", ("Anna", "Paul"), "Paul"),
    ("The bee makes honey, while the ant does not.", ("ant", "bee"), "bee"),
    ("Yes, there is no doubt.", ("yes", "no"), "yes"),
    ("No. Yes would be wrong.", ("yes", "no"), "no"),
    ("He is not guilty", ("guilty", "not guilty"), "not guilty"),
    ("(a) and (b) are both plausible. Answer: A", CITIES, "Paris"),
    ("Paris", ("Paris", "Paris, Texas"), "Paris"),
    ("It is Paris, Texas.", ("Paris", "Paris, Texas"), "Paris, Texas"),
    ("Paris and Rome", CITIES, "several"),
    ("Paris or Rome", CITIES, "several"),
    ("Yes or no", ("yes", "no"), "several"),
    ("Yes/no", ("yes", "no"), "several"),
    ("Eva, Nora.", ("Eva", "Nora"), "several"),
    ("Eva, Nora, Eva and Nora", ("Eva", "Nora"), "several"),
    ("A) Rome", CITIES, "several"),
    ("Answer: A. Answer: B.", CITIES, "several"),
    ("Ida, unknown or Rolf.", ("Ida", "Rolf", "unknown"), "several"),
    ("The answer is Anna, Paul.", ("Anna", "Paul", "unknown"), "several"),
    ("The answer is: George Washington, Abraham Lincoln.", ("Washington", "Lincoln"), "several"),
    ("The answer is: George Washington, Abraham Lincoln.", ("George Washington", "Abraham Lincoln"), "several"),
    ("The answer is Washington, Abraham Lincoln.", ("Washington", "Lincoln"), "several"),
    ("Washington or Abraham Lincoln", ("Washington", "Lincoln"), "several"),
    ("The answer is Rome, Paris is in France.", CITIES, "Rome"),
    ("Rome, not Paris.", CITIES, "Rome"),
    ("Rome, Not Paris.", CITIES, "Rome"),
    ("Rome, Italy.", CITIES, "Rome"),
    ("1. unspecified\n2. Sofia\n3. Lukas", ("Sofia", "Lukas", "unspecified"), "several"),
    ("1. Paris 2. Rome", CITIES, "several"),
    ("1) **Paris**\n2) **Rome**", CITIES, "several"),
    ("- Paris\n- Rome", CITIES, "several"),
    ("A) Paris\nB) Rome", CITIES, "several"),
    ("The answer is: (A) Paris or (B) Rome", CITIES, "several"),
    ("The correct answer is:\n1. Paris\n2. Rome", CITIES, "several"),
    ("1. Paris\n2. Rome\n\nIt is the second city, Rome.", CITIES, "Rome"),
    ("A) Paris\nB) Rome\nAnswer: B", CITIES, "Rome"),
    ("1. Rome", CITIES, "Rome"),
    ("1. Rome\n2. It lies on the Tiber.", CITIES, "Rome"),
    ("1. Rome is the capital.\n2. Paris is in France.", CITIES, "Rome"),
    ("The pyramids are located in Egypt, but they are not in Mexico", ("Egypt", "Mexico"), "Egypt"),
    ("It is made in Egypt and was never made in Mexico", ("Egypt", "Mexico"), "Egypt"),
    ("They are found in Egypt and aren't usually found in the Mexico of today", ("Egypt", "Mexico"), "Egypt"),
    ("They are not only in Egypt but also in Mexico", ("Egypt", "Mexico"), "several"),
    ("They are not old, in Egypt and in Mexico", ("Egypt", "Mexico"), "several"),
    ("While Osaka is a major city, the capital is Tokyo", ("Tokyo", "Osaka"), "Tokyo"),
    ("Although Osaka, in the south, is large, the capital is Tokyo.", ("Tokyo", "Osaka"), "Tokyo"),
    ("Even though Osaka is large, Tokyo is the capital.", ("Tokyo", "Osaka"), "Tokyo"),
    ("The capital is Tokyo, though Osaka is large.", ("Tokyo", "Osaka"), "Tokyo"),
    ("Although Tokyo is the capital, it is small.", ("Tokyo", "Osaka"), "Tokyo"),
    ("While Tokyo is the capital, Osaka is also a major city.", ("Tokyo", "Osaka"), "several"),
    ("While Osaka is a major city and Tokyo is the capital", ("Tokyo", "Osaka"), "several"),
    ("I like cheese.", CITIES, "none"),
    ("A dog is here", CITIES, "none"),
    ("Parisian", CITIES, "none"),
    ("", CITIES, "none"),
    ("D", CITIES, "none"),
]


@pytest.mark.parametrize(("text", "options", "expected"), PICKS)
def test_pick(text: str, options: tuple[str, ...], expected: str) -> None:
    """The option a reply picks is found, or it names none, or several."""
    found = pick(text, options, letters=True)
    assert (found.outcome if found.index is None else options[found.index]) == expected


def test_letters_count_only_where_shown() -> None:
    """A letter stands for an option only where asked for, so a stray list mark is not mistaken for a pick."""
    options = ("not known", "old man", "young man")
    assert pick("A. The old man", options, letters=False).index == 1
    assert pick("A. The old man", options, letters=True).outcome == "several"


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("Which? A) Paris B) Rome", True),
        ("(A) Paris\n(B) Rome", True),
        ("A: Paris, B: Rome", True),
        ("Paris or Rome?", False),
    ],
)
def test_shown_letters(asked: str, shown: bool) -> None:
    """Whether a question labels its options is read from its last message, or from the raw prompt."""
    message = Message("user", asked)
    assert shows_letters(Probe("p", "c", {}, messages=(message, Message("assistant")))) == shown
    assert shows_letters(Probe("p", "c", {}, prompt=asked)) == shown


@given(ANY_TEXT, st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=5, unique=True))
@example("\0\0", ["\0", "x"])
@example("a b a b", ["a b", "a", "b"])
def test_pick_of_anything(text: str, options: list[str]) -> None:
    """Any reply to any options picks one of them, none or several, on a span of the reply."""
    found = pick(text, tuple(options), letters=True)
    assert (found.index is not None) == (found.outcome == "one")
    if found.span:
        assert 0 <= found.span[0] <= found.span[1] <= len(text)


def _all(text: str) -> Folded:
    return fold(text, ignore_case=True, normalise=True)
