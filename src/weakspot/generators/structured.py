"""Structured output: JSON of growing depth from a sentence, beside a plain question on the same sentence.

The positive control asks for one of the values in words: a model that cannot find it does not fail for the format.
Values are drawn, so that the expected JSON is known exactly.
"""

from typing import Any

import msgspec

from weakspot.generators.build import Kind, Matched, lay_out, words
from weakspot.generators.draw import cycle
from weakspot.records import Generation, Probe

_NAMES = ("Ada", "Boris", "Clara", "David", "Ella", "Felix", "Greta", "Hugo", "Irma", "Jonas", "Karla", "Luis")
_CITIES = ("Oslo", "Lima", "Cairo", "Quito", "Riga", "Turin", "Graz", "Porto", "Dakar", "Leeds")
_FRUITS = ("apples", "pears", "plums", "figs", "lemons", "cherries")
_ONE = {"cherries": "cherry"}
"""The singular where it is not the plural without its "s": "Which fruit is it?" may be answered with either."""
_STATES = ("open", "closed", "paid", "late", "lost")
_TITLES = (
    'The "Blue" Hour', "Tom's Boat", "Back\\Slash", "Tab and #hash", "Café Zürich", "50% & more", "a/b: a {test}",
    'She said "no"',
)  # fmt: skip
_AS_IT_STANDS = "as it stands in the sentence"
_ONLY = "Reply with JSON only."


class Structured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """JSON to be written: flat and nested objects, lists, enums, escapes, numbers, nulls, and JSON to be changed."""

    strict: bool = False
    """Whether JSON inside a Markdown fence fails too."""

    def probes(self, seed: int, n: int | None) -> list[Probe]:
        """The items for a seed."""
        kinds = (
            Kind("value", 8, self._value),
            Kind("flat", 10, self._flat),
            Kind("list", 9, self._list),
            Kind("enum", 8, self._enum),
            Kind("escape", 8, self._escape, most=len(_TITLES)),
            Kind("figure", 8, self._figure),
            Kind("nested", 12, self._nested),
            Kind("null", 6, self._null),
            Kind("change", 8, self._change),
        )
        return lay_out("structured", kinds, seed, n, category="structured-output")

    def _arms(self, made: Matched, told: str, asked: str, value: Any, plain: tuple[str, ...]) -> None:
        """`asked` wants `value` as JSON; `plain` is a question on the same sentence, and what its answer may be."""
        text = msgspec.json.encode(value).decode()
        gap = "" if told.endswith("\n") else " "
        expect = {"type": "json_schema", "schema": _schema(value), "value": value, "fenced": not self.strict}
        # Small tokenizers need about a token for two characters of JSON; a fence and white space come on top.
        room = Generation(max_tokens=24 + len(text.encode()) * 2 // 3, multiline=True)
        made.add("treatment", "json", f"{told}{gap}{asked} {_ONLY}", expect, generation=room)
        made.add(
            "positive-control",
            "plain",
            f"{told}{gap}{plain[0]}",
            words(*plain[1:]),
            generation=Generation(max_tokens=20),
        )

    def _value(self, made: Matched) -> None:
        made.tags |= {"level": "easy", "depth": "0"}
        count, fruit = made.draw.number(3, 48), made.draw.pick(_FRUITS)
        told = f"There are {count} {fruit} in the basket."
        if made.index % 2:
            self._arms(
                made,
                told,
                f"Write the name of the fruit as a JSON string, {_AS_IT_STANDS}.",
                fruit,
                ("Which fruit is it?", *_both(fruit)),
            )
        else:
            self._arms(
                made, told, f"Write the number of {fruit} as a JSON number.", count, ("How many are there?", str(count))
            )

    def _flat(self, made: Matched) -> None:
        made.tags |= {"level": "easy" if made.index % 2 else "medium", "depth": "1"}
        person = _person(made)
        keys = ("name", "age") if made.index % 2 else ("name", "age", "city")
        told = f"{person['name']} is {person['age']} years old and lives in {person['city']}."
        asked = f"Write it as a JSON object with the keys {_keys(keys)}; the age is a number."
        self._arms(
            made,
            told,
            asked,
            {key: person[key] for key in keys},
            (f"In which city does {person['name']} live?", person["city"]),
        )

    def _list(self, made: Matched) -> None:
        size, level = ((2, "easy"), (4, "medium"), (6, "hard"))[made.index % 3]
        made.tags |= {"level": level, "depth": "1"}
        names = made.draw.some(_NAMES, size)
        told = f"The runners reached the finish in this order: {', '.join(names)}."
        asked = "Write the names as a JSON list of strings in that order."
        self._arms(made, told, asked, names, ("Who was first?", names[0]))

    def _enum(self, made: Matched) -> None:
        made.tags |= {"level": "medium", "depth": "1"}
        state, ticket = made.draw.pick(_STATES), made.draw.number(100, 999)
        told = f"Ticket {ticket} is {state}."
        asked = f'Write a JSON object with "ticket", a number, and "state", one of {", ".join(_STATES)}.'
        self._arms(made, told, asked, {"ticket": ticket, "state": state}, ("What state is the ticket in?", state))

    def _escape(self, made: Matched) -> None:
        made.tags |= {"level": "hard", "depth": "1"}
        title = cycle(_TITLES, made.seed, made.index)
        pages = made.draw.number(20, 400)
        told = f"On the shelf stands a book of {pages} pages. Its title is: {title}"
        asked = 'Write a JSON object with the keys "title" and "pages"; the pages are a number.'
        value = {"title": title, "pages": pages}
        self._arms(made, f"{told}\n", asked, value, ("How many pages does the book have?", str(pages)))

    def _figure(self, made: Matched) -> None:
        """Numbers in other forms than JSON's: a separator for thousands, a sign in words, a percentage."""
        form = made.index % 4
        made.tags |= {"level": ("medium", "hard", "medium", "easy")[form], "depth": "1"}
        whole, city = made.draw.number(2, 98), made.draw.pick(_CITIES)
        thousands = whole * 1000 + made.draw.number(100, 999)
        shown, value = (
            (f"{thousands:,}", thousands),
            (f"minus {whole}", -whole),
            (f"{whole}.5", whole + 0.5),
            (f"{whole}", whole),
        )[form]
        told = f"The sensor in {city} shows {shown}."
        asked = 'Write a JSON object with the keys "city" and "value"; the value is a number.'
        self._arms(made, told, asked, {"city": city, "value": value}, ("In which city is the sensor?", city))

    def _nested(self, made: Matched) -> None:
        depth, level = ((2, "medium"), (3, "hard"), (4, "hard"))[made.index % 3]
        made.tags |= {"level": level, "depth": str(depth)}
        person, other = _person(made), made.draw.pick(_FRUITS)
        count = made.draw.number(2, 9)
        item: Any = {"fruit": other, "count": count}
        told = f"{person['name']} from {person['city']} orders {count} {other}."
        forms: dict[int, tuple[Any, str]] = {
            2: ({"name": person["name"], "item": item}, '{"name": ..., "item": {"fruit": ..., "count": ...}}'),
            3: (
                {"buyer": {"name": person["name"], "city": person["city"]}, "items": [item]},
                '{"buyer": {"name": ..., "city": ...}, "items": [{"fruit": ..., "count": ...}]}',
            ),
            4: (
                {"order": {"buyer": {"name": person["name"]}, "items": [item]}},
                '{"order": {"buyer": {"name": ...}, "items": [{"fruit": ..., "count": ...}]}}',
            ),
        }
        value, form = forms[depth]
        asked = f"Write it as JSON of this form, the fruit {_AS_IT_STANDS}, the count as a number: {form}"
        self._arms(made, told, asked, value, ("Which fruit is ordered?", *_both(other)))

    def _null(self, made: Matched) -> None:
        made.tags |= {"level": "medium", "depth": "1"}
        person = _person(made)
        told = f"{person['name']} lives in {person['city']}. Nobody knows how old {person['name']} is."
        asked = 'Write a JSON object with the keys "name", "city" and "age"; use null where the value is not known.'
        value = {"name": person["name"], "city": person["city"], "age": None}
        self._arms(made, told, asked, value, (f"Where does {person['name']} live?", person["city"]))

    def _change(self, made: Matched) -> None:
        """Given JSON is to be changed in one place and kept everywhere else."""
        made.tags |= {"level": "medium" if made.index % 2 else "hard", "depth": "1"}
        person = _person(made)
        if not made.index % 2:
            person["friends"] = made.draw.some([name for name in _NAMES if name != person["name"]], 2)
        told = f"Here is a record: {msgspec.json.encode(person).decode()}"
        city = cycle(_CITIES, made.seed, _CITIES.index(person["city"]) + 1 - made.seed)
        asked = f"{person['name']} has moved to {city}. Write the whole record with the new city."
        self._arms(made, told, asked, person | {"city": city}, ("Whose record is it?", person["name"]))


def _person(made: Matched) -> dict[str, Any]:
    name = cycle(_NAMES, made.seed, made.index)
    return {"name": name, "age": made.draw.number(18, 79), "city": made.draw.pick(_CITIES)}


def _both(fruits: str) -> tuple[str, str]:
    return fruits, _ONE.get(fruits, fruits.removesuffix("s"))


def _keys(names: tuple[str, ...]) -> str:
    quoted = [f'"{name}"' for name in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _schema(value: Any) -> dict[str, Any]:
    """The JSON Schema that a value's own shape implies: types, required keys and no others."""
    if isinstance(value, dict):
        fields = {key: _schema(inner) for key, inner in value.items()}
        return {"type": "object", "properties": fields, "required": list(value), "additionalProperties": False}
    if isinstance(value, list):
        return {"type": "array", "items": _schema(value[0])}
    kinds = ((bool, "boolean"), (str, "string"), ((int, float), "number"), (type(None), "null"))
    return {"type": next(name for kind, name in kinds if isinstance(value, kind))}
