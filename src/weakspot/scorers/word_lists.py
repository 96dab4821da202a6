"""Word lists that texts are compared by, as data: numbers, abbreviations, stop words, negations, endings.

English and Spanish, lower case, without accents. It does not know how they are used: that is `words`.
"""

from typing import Final


def listed(text: str) -> tuple[str, ...]:
    """The words of a list that is written as one text."""
    return tuple(text.split())


_UNITS_EN = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_UNITS_ES = listed(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete "
    "dieciocho diecinueve"
)
_ORDINALS = listed("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")
_TENS: Final = dict(
    zip(listed("twenty thirty forty fifty sixty seventy eighty ninety"), range(20, 100, 10), strict=True)
)
_TENS_ES: Final = dict(
    zip(listed("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"), range(20, 100, 10), strict=True)
)
CARDINALS_EN: Final = (*_UNITS_EN, *_TENS)
"""Longest first is not needed: each is matched as a whole word."""
SMALL: Final[dict[str, int]] = (
    {w: i for i, w in enumerate(_UNITS_EN)}
    | {w: i for i, w in enumerate(_UNITS_ES)}
    | {w: i for i, w in enumerate(_ORDINALS, 1)}
    | _TENS
    | _TENS_ES
    | {"twentieth": 20, "thirtieth": 30}
)
SCALES: Final[dict[str, int]] = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "cien": 100,
    "ciento": 100,
    "mil": 1000,
    "millon": 10**6,
    "millones": 10**6,
}

SAME: Final = {
    "us": "unitedstates",
    "usa": "unitedstates",
    "america": "unitedstates",
    "uk": "unitedkingdom",
    "britain": "unitedkingdom",
    "%": "percent",
    "°": "degree",
    "km": "kilometre",
    "kilometer": "kilometre",
    "kilometers": "kilometre",
    "m": "metre",
    "meter": "metre",
    "meters": "metre",
    "ft": "feet",
    "foot": "feet",
    "lb": "pound",
    "lbs": "pound",
    "kg": "kilogram",
    "hr": "hour",
    "hrs": "hour",
    "min": "minute",
    "sec": "second",
    "$": "dollar",
    "€": "euro",
    "£": "pound",
    "vs": "versus",
    "tv": "television",
    "st": "saint",
    "mt": "mount",
    "dr": "doctor",
    "&": "and",
}
STOP: Final = frozenset(
    listed(
        "a an the of in on at by to for from with as and or but if is are was were be been being am do does "
        "did has have had it its this that these those there here he she they them his her their you your i "
        "my me we our us who whom which what when where why how than then so such also very just about into "
        "over under up down out off can could will would shall should may might must s t re ve ll d m one "
        "ones some any all each both other more most many much own same too el la los las un una unos unas de "
        "del al en por para con y o u que se su sus es son fue fueron ser era lo le les como mas pero si ya "
        "muy este esta esto ese esa eso estos estas sobre entre hay ha han tambien "
    )
)
NEGATIONS: Final = frozenset(
    listed(
        "not no never none nobody nothing neither nor without cannot wo false incorrect untrue myth nunca jamas nada "
        "nadie ninguno ninguna ningun sin tampoco falso mito"
    )
)
SUFFIXES_EN: Final = (
    ("ational", "ate"), ("ization", "ize"), ("fulness", "ful"), ("iveness", "ive"), ("ousness", "ous"),
    ("ically", "ic"), ("ities", "ity"), ("ingly", ""), ("edly", ""), ("ying", "y"), ("ies", "y"), ("ied", "y"),
    ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ing", ""), ("ed", ""), ("ly", ""), ("es", "e"),
    ("s", ""),
)  # fmt: skip
SUFFIXES_ES: Final = (
    ("aciones", "acion"), ("amente", ""), ("mente", ""), ("iendo", ""), ("ando", ""), ("ados", ""), ("adas", ""),
    ("idos", ""), ("idas", ""), ("ado", ""), ("ada", ""), ("ido", ""), ("ida", ""), ("aron", ""), ("ieron", ""),
    ("aban", ""), ("aba", ""), ("ar", ""), ("er", ""), ("ir", ""), ("es", ""), ("os", ""), ("as", ""), ("an", ""),
    ("en", ""), ("o", ""), ("a", ""), ("e", ""), ("s", ""),
)  # fmt: skip
