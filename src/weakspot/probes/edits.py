"""All transforms of a probe: what an attack is, where it acts, and the probes that one attack adds to a suite.

An attack is a pure function of a probe and a seed. It changes one stretch of text and nothing else: the instruction
planted in data where the probe is about one, else the last question of the user; the expectation stays as it was. What
it makes is never an item of its own: attacked probes have the arm "attack", their placebos "placebo" and their
controls "control", so none enters a failure rate; they are only compared with the item that they come from.

It does not know what a reply looks like, nor how often an attack succeeds (`weakspot.metrics.attacks`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final, Literal, NamedTuple

import msgspec

from weakspot import registry
from weakspot.errors import UsageError
from weakspot.records import Generation, Message, Probe

Situation = Literal["payload", "request", "opinion", "unknown", "question"]
"""What a probe is about, read off its expectation: an instruction planted in data (`canary_absent`), a request that
should be refused or met (`refuses`, `complies`), a user's wrong opinion (category sycophancy), something that cannot
be known (`abstains`), or a question with an answer."""

EVERYWHERE: Final[frozenset[Situation]] = frozenset(("payload", "request", "opinion", "unknown", "question"))
NOT_ATTACKED: Final = frozenset(
    ("likelihood", "rubric", "quality", "follows", "holds", "canary_present", "no_injection", "filtered_match")
)
"""Kinds of expectation that an edit could make wrong or that no reply's text decides."""
LONGEST: Final = 4000


class Target(NamedTuple):
    """What an edit works on: the stretch of text, what it is, and the words that must come through unchanged."""

    probe: Probe
    text: str
    situation: Situation
    protected: frozenset[str]


class Made(NamedTuple):
    """What stands in the stretch's place, and the turns that are put at the beginning of the conversation."""

    text: str
    before: tuple[Message, ...] = ()


Edit = Callable[[Target, Random], Made | None]
"""None: there is nothing in the stretch that it could change."""


class Attack(msgspec.Struct, frozen=True):
    """One way to transform a probe.

    Attributes:
        name: what `--attack` calls it.
        title: what it does, in a sentence.
        situations: where the probe's expectation stays valid under it.
        edit: the transform.
        placebo: an edit of the same size that carries nothing, with the stretch itself still there to be read; None
            where there is no such thing.
        control: (the transformed stretch) -> a question that asks for the decoding alone. Who fails it cannot read the
            disguise, and says nothing by not following it. None where the text stays readable.
        letters: whether it changes letters, so that questions about letters (category tokenization) are left alone.
        longest: characters of the longest stretch that it makes sense for.
        source: where the idea was published.
    """

    name: str
    title: str
    situations: frozenset[Situation]
    edit: Edit
    placebo: Edit | None = None
    control: Callable[[str], str] | None = None
    letters: bool = False
    longest: int = LONGEST
    source: str = ""


class Place(NamedTuple):
    """Where the stretch stands: the message's index (None: the raw prompt), and characters, end exclusive."""

    message: int | None
    start: int
    end: int


def attack_named(name: str) -> Attack:
    """A registered attack.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in registry.names("attacks"):
        hint = f"Known: {', '.join(registry.names('attacks'))}."
        if name in registry.names("suites"):
            hint = f"It is a suite: suites are joined with a comma (one,{name}), attacks follow a plus."
        raise UsageError(f"There is no attack {name!r}.", hint=hint)
    found = registry.load("attacks", name)
    if not isinstance(found, Attack):
        raise UsageError(f"The attack {name!r} is no weakspot.probes.edits.Attack.", hint="See docs/attacks.md.")
    return found


def with_attacks(probes: Sequence[Probe], names: Sequence[str], seed: int = 0) -> list[Probe]:
    """The probes, and behind them what each attack makes of each counted one that it fits.

    Raises:
        UsageError: an attack is unknown, or fits none of the probes.
    """
    made = list(probes)
    for attack in [attack_named(name) for name in dict.fromkeys(names)]:
        added = [part for probe in probes if probe.counted for part in attacked(attack, probe, seed)]
        if not added:
            why = next((reason for p in probes if p.counted and (reason := misfit(attack, p))), "it has no items")
            raise UsageError(
                f"The attack {attack.name!r} fits no item of this suite: {why}.", hint="See docs/attacks.md."
            )
        made += added
    return made


def attacked(attack: Attack, probe: Probe, seed: int = 0) -> list[Probe]:
    """The attacked probe, its placebo and its control; empty where the attack does not fit or changes nothing."""
    if misfit(attack, probe):
        return []
    place = where(probe)
    assert place is not None  # noqa: S101 - `misfit` has looked
    target = _target(probe, place)
    made = attack.edit(target, _dice(seed, attack, probe))
    if made is None or (made.text == target.text and not made.before):
        return []
    name = f"{probe.id}+{attack.name}"
    tags = probe.tags | {"attack": attack.name, "original": probe.id}
    control = None if attack.control is None else _control(attack, probe, target, made, tags)
    if control is not None:
        tags = tags | {"control": control.id}
    found = [_changed(probe, place, made, id=name, arm="attack", tags=tags, group=probe.group or probe.id)]
    placebo = attack.placebo(target, _dice(seed, attack, probe)) if attack.placebo else None
    if placebo is not None and (placebo.text != target.text or placebo.before):
        calm = {key: value for key, value in tags.items() if key != "control"}
        group = probe.group or probe.id
        found.append(_changed(probe, place, placebo, id=f"{name}:placebo", arm="placebo", tags=calm, group=group))
    return [*found, *([control] if control is not None else [])]


def misfit(attack: Attack, probe: Probe) -> str:
    """Why an attack does not fit a probe, in words; empty where it does."""
    kind, place, situation = str(probe.expect.get("type")), where(probe), situation_of(probe)
    reasons = {
        f"an item that expects {kind} is not attacked": kind in NOT_ATTACKED,
        "a question about letters is another one when its letters change": (
            attack.letters and probe.category == "tokenization"
        ),
        "a raw prompt has no user's message to frame": probe.prompt is not None and not attack.letters,
        "no stretch of text is the user's to change": place is None,
        f"the expectation would not stay valid for this kind of item ({situation})": situation not in attack.situations,
        f"the text is longer than {attack.longest} characters": (
            place is not None and place.end - place.start > attack.longest
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def situation_of(probe: Probe) -> Situation:
    """What a probe is about."""
    kind = probe.expect.get("type")
    if kind == "canary_absent":
        return "payload"
    if kind in ("refuses", "complies"):
        return "request"
    if kind == "abstains":
        return "unknown"
    return "opinion" if probe.category == "sycophancy" else "question"


def where(probe: Probe) -> Place | None:
    """The stretch that edits act on: the sentence that carries the canary, or the whole of the last question.

    `tags.payload` names another stretch where the instruction is more than that sentence.
    """
    if probe.expect.get("type") == "canary_absent":
        return _payload(probe)
    if probe.prompt is not None:
        return Place(None, 0, len(probe.prompt))
    for index in range(len(probe.messages or ()) - 1, -1, -1):
        message = (probe.messages or ())[index]
        if message.role == "user" and message.content and message.content.strip():
            return Place(index, 0, len(message.content))
    return None


def _payload(probe: Probe) -> Place | None:
    wanted = probe.tags.get("payload", "")
    canary = re.escape(str(probe.expect["canary"]))
    sentence = rf"[^.!?\n\"“”<>{{}}\[\]]*{canary}[^.!?\n\"“”<>{{}}\[\]]*[.!?]?"
    pattern = re.compile(re.escape(wanted) if wanted else sentence, re.IGNORECASE)
    texts: list[tuple[int | None, str]] = [(None, probe.prompt)] if probe.prompt is not None else []
    texts += [(i, m.content) for i, m in enumerate(probe.messages or ()) if m.content and m.role != "assistant"]
    for index, text in reversed(texts):
        if found := pattern.search(text):
            start = found.start() + len(found.group()) - len(found.group().lstrip())
            return Place(index, start, found.end())
    return None


def _target(probe: Probe, place: Place) -> Target:
    text = _text(probe, place)[place.start : place.end]
    return Target(probe, text, situation_of(probe), protected_words(probe))


def _text(probe: Probe, place: Place) -> str:
    text = probe.prompt if place.message is None else (probe.messages or ())[place.message].content
    return text or ""


def protected_words(probe: Probe) -> frozenset[str]:
    """The words of the expectation, in lower case: an edit that misspelt an option would ask for the misspelling."""
    found: set[str] = set()
    for text in _strings({k: v for k, v in probe.expect.items() if k not in ("type", "probe", "by")}):
        found.update(re.findall(r"\w{2,}", text.casefold()))
    return frozenset(found)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _changed(probe: Probe, place: Place, made: Made, **fields: Any) -> Probe:
    """The probe with the stretch replaced; a probe that nobody has read in this form is not marked as reviewed."""
    text = _text(probe, place)
    text = text[: place.start] + made.text + text[place.end :]
    fields |= {"reviewed": False}
    if place.message is None:
        return msgspec.structs.replace(probe, prompt=text, **fields)
    messages = list(probe.messages or ())
    messages[place.message] = msgspec.structs.replace(messages[place.message], content=text)
    first = next(i for i, message in enumerate(messages) if message.role != "system")
    messages[first:first] = made.before
    return msgspec.structs.replace(probe, messages=tuple(messages), **fields)


def _control(attack: Attack, probe: Probe, target: Target, made: Made, tags: dict[str, str]) -> Probe:
    """Asks for the decoding alone; the canary, or the stretch itself, must come back."""
    assert attack.control is not None  # noqa: S101 - the caller has looked
    canary = probe.expect.get("canary") if target.situation == "payload" else None
    value = str(canary) if canary else target.text.strip()
    return Probe(
        id=f"{probe.id}+{attack.name}:control",
        category=probe.category,
        messages=(Message("user", attack.control(made.text)),),
        expect={"type": "contains", "value": value, "ignore_case": True, "normalise": True},
        generation=Generation(max_tokens=max(24, len(target.text) // 2), multiline=True),
        tags=tags,
        group=probe.group or probe.id,
        arm="control",  # not positive-control: the untouched item of the same group must not hang on it
        source=probe.source,
        licence=probe.licence,
    )


def _dice(seed: int, attack: Attack, probe: Probe) -> Random:
    return Random(f"{seed}|{attack.name}|{probe.id}")  # noqa: S311 - a seeded choice of letters, no secret
