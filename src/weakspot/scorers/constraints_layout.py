"""Checks of `follows` on the layout: lists, indents, quotes, templates, what may stand where.

They do not know where an instruction comes from.
"""

import re
from itertools import pairwise
from typing import Final

from weakspot.scorers.constraints_text import Check, Given, lines, number, sentences, tokens
from weakspot.scorers.word_lists import listed

_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u231a-\u23ff\u3030\u303d\u00a9\u00ae"
_SMALL: Final = frozenset(
    listed("a an the and but or nor for so yet as at by in of off on per to up via with from into over than is")
)
_TEXT_LIMIT: Final = 20_000


def emoji(text: str, _: Given) -> bool:
    """An emoji at the end of every sentence."""
    parts = [p for p in re.split(rf"(?<=[.!?])\s*(?=[^\W_])|(?<=[{_EMOJI}\ufe0f])\s+|\n+", text) if re.search(r"\w", p)]
    return bool(parts) and all(
        re.search(rf"[{_EMOJI}][\ufe0f\u200d{_EMOJI}\U000e0020-\U000e007f]*[.!?\s]*$", p) for p in parts
    )


def line_indent(text: str, _: Given) -> bool:
    """Every line is indented further than the one before."""
    indents = [len(line) - len(line.lstrip()) for line in lines(text)]
    return len(indents) > 1 and all(a < b for a, b in pairwise(indents))


def list_by(text: str, given: Given) -> bool:
    """A list whose items are marked by a separator word in place of bullets."""
    sep = str(given["sep"])
    return text.count(sep) >= 1 and not re.search(r"^\s*(?:[-*•]|\d+[.)])\s", text, re.MULTILINE)


def no_bullets_bullets(text: str, _: Given) -> bool:
    """At least two sentences that end in a period, then at least two bullets denoted by *."""
    at = re.search(r"^\s*\*\s", text, re.MULTILINE)
    if not at:
        return False
    before = [s for s in sentences(text[: at.start()]) if s.endswith(".")]
    return len(before) >= 2 and len(re.findall(r"^\s*\*\s", text, re.MULTILINE)) >= 2


def options(text: str, given: Given) -> bool:
    """Just one of the options, as they are written."""
    listed = str(given["options"])
    parts = [p.strip() for p in re.split(r"/|,| or ", listed) if p.strip()]
    return text.strip() in parts


def parentheses(text: str, _: Given) -> bool:
    """Brackets nested at least five deep, all closed."""
    deepest, open_ = 0, []
    pairs = {")": "(", "]": "[", "}": "{"}
    for c in text[:_TEXT_LIMIT]:
        if c in "([{":
            open_.append(c)
            deepest = max(deepest, len(open_))
        elif c in pairs and open_ and open_[-1] == pairs[c]:
            open_.pop()
    return deepest >= 5


def quote_unquote(text: str, _: Given) -> bool:
    """Something unquoted stands behind every quoted phrase."""
    straight = text.replace("“", '"').replace("”", '"')
    if straight.count('"') < 2 or straight.count('"') % 2:
        return False
    parts = straight.split('"')
    return all(re.search(r"\w", part) for part in parts[2::2])


def quotes(text: str, _: Given) -> bool:
    """Quotes within quotes, at least three deep, double and single by turns."""
    straight = text.translate(str.maketrans("“”‘’", "\"\"''"))
    return re.search(r"\"[^\"']*(?:'(?!\w*\s)|(?<=[\s(])')[^\"']*\"[^\"']*\"[^\"']*'[^\"']*\"", straight) is not None


def sub_bullets(text: str, _: Given) -> bool:
    """Bullets denoted by *, each with at least one sub-bullet denoted by -."""
    parts = re.split(r"^\s*\*\s", text, flags=re.MULTILINE)[1:]
    return bool(parts) and all(re.search(r"^\s*-\s", part, re.MULTILINE) for part in parts)


def thesis(text: str, _: Given) -> bool:
    """Each section begins with a statement in HTML italics."""
    found = re.findall(r"<(i|em)>.+?</\1>", text, re.DOTALL)
    parts = [p.strip() for p in re.split(r"\n\s*\n", text) if p.strip()]
    return bool(found) and all(re.match(r"(?:[#\w*.: -]*\n)?\s*<(?:i|em)>", p) for p in parts[:1])


def title_case(text: str, _: Given) -> bool:
    """Every major word begins with a capital."""
    found = [w for w in tokens(text) if w[0].isalpha()]
    return bool(found) and all(w[0].isupper() or w.casefold() in _SMALL for w in found)


def output_template(text: str, _: Given) -> bool:
    """My Answer: ... My Conclusion: ... Future Outlook: ..., in this order."""
    return re.search(r"My Answer:.*My Conclusion:.*Future Outlook:", text, re.DOTALL) is not None


def no_whitespace(text: str, _: Given) -> bool:
    """No white space at all."""
    return not any(c.isspace() for c in text)


def newline(text: str, _: Given) -> bool:
    """Each word on a line of its own."""
    found = lines(text)
    return len(found) > 1 and all(len(line.split()) == 1 for line in found)


def mcq_count_length(text: str, _: Given) -> bool:
    """Four questions with five options each, each labelled Question, each longer than the one before."""
    parts = re.split(r"(?m)^\W*Question\b", text)[1:]
    asked = [re.split(r"(?m)^\W*[A-Ea-e][.)]", p)[0] for p in parts]
    five = all(len(re.findall(r"(?m)^\W*[A-Ea-e][.)]", p)) == 5 for p in parts)
    lengths = [len(a) for a in asked]
    return len(parts) == 4 and five and all(a < b for a, b in pairwise(lengths))


def date_format_list(text: str, _: Given) -> bool:
    """Dates as YYYY-MM-DD with commas between them, and nothing else."""
    found = [p.strip() for p in text.strip().rstrip(".").split(",")]
    return len(found) > 1 and all(re.fullmatch(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", p) for p in found)


def multiples(text: str, _: Given) -> bool:
    """The multiples of 7 from 10 to 50."""
    return re.findall(r"\d+", text) == ["14", "21", "28", "35", "42", "49"]


def repeat_change(text: str, given: Given) -> bool:
    """The request again, with another first word and nothing else."""
    asked, own = str(given["prompt_to_repeat"]).split(), text.split()
    return len(own) == len(asked) and own[1:] == asked[1:] and own[0] != asked[0]


def repeat_span(text: str, given: Given) -> bool:
    """The words of the request from one index to another, both included."""
    asked = str(given["prompt_to_repeat"]).split()
    start, end = number(given, "n_start"), number(given, "n_end")
    wanted = [asked[start : end + 1], asked[max(0, start - 1) : end], asked[start:end]]
    return text.strip().casefold().split() in [[w.casefold() for w in part] for part in wanted]


LAYOUTS: Final[dict[str, Check]] = {
    "format:emoji": emoji,
    "format:line_indent": line_indent,
    "format:list": list_by,
    "format:no_bullets_bullets": no_bullets_bullets,
    "format:options": options,
    "format:parentheses": parentheses,
    "format:quote_unquote": quote_unquote,
    "format:quotes": quotes,
    "format:sub-bullets": sub_bullets,
    "format:thesis": thesis,
    "format:title_case": title_case,
    "format:output_template": output_template,
    "format:no_whitespace": no_whitespace,
    "format:newline": newline,
    "custom:mcq_count_length": mcq_count_length,
    "custom:date_format_list": date_format_list,
    "custom:multiples": multiples,
    "repeat:repeat_change": repeat_change,
    "repeat:repeat_span": repeat_span,
}
