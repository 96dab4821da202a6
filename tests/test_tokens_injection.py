"""`weakspot tokens injection`: small made tokenizers and templates, each with one trap."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

import weakspot
from weakspot.errors import UnknownTokenizer
from weakspot.records import from_json, to_json
from weakspot.records.injection import Forgery, InjectionReport, Spelling

CHAT = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)
MARKERS = (AddedToken("<|im_start|>", special=True), AddedToken("<|im_end|>", special=True))


def make(path: Path, *added: AddedToken, normalizer: Any = None, words: tuple[str, ...] = ()) -> Path:
    """A tokenizer of letters with added tokens."""
    letters = [chr(code) for code in range(0x20, 0x7F)]
    vocab = {text: number for number, text in enumerate(["[UNK]", *letters, *words])}
    made = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated") if not words else pre_tokenizers.Whitespace()
    if normalizer is not None:
        made.normalizer = normalizer
    made.add_tokens([token for token in added if not token.special])
    made.add_special_tokens([token for token in added if token.special])
    path.mkdir(parents=True, exist_ok=True)
    made.save(str(path / "tokenizer.json"))
    return path


def with_template(folder: Path, template: str) -> Path:
    """The same folder with a chat template."""
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template, "bos_token": "<s>"}))
    return folder


def own(report: InjectionReport) -> dict[str, Spelling]:
    """The tokens' own texts that come in."""
    return {one.text: one for one in report.spellings if not one.variant}


def forgeries(report: InjectionReport) -> dict[str, Forgery]:
    """By role."""
    assert report.chat is not None
    return {one.role: one for one in report.chat.forgeries}


def test_protection_stops_special_tokens_only(tmp_path: Path) -> None:
    """A token flagged special comes in by default and not past the protection; one that is not flagged comes in always,
    and stands first; white space and HTML tags that are added tokens are no markers.
    """
    folder = make(tmp_path, AddedToken("<|end|>", special=True), AddedToken("<think>"), AddedToken("<b>"))
    report = weakspot.tokens.injection(str(folder))
    found = own(report)
    assert list(found) == ["<think>", "<|end|>"]
    assert (found["<think>"].default, found["<think>"].protected, found["<think>"].severity) == (True, True, 5)
    assert (found["<|end|>"].default, found["<|end|>"].protected, found["<|end|>"].severity) == (True, False, 4)
    assert report.counts["protected"] == 1
    assert report.counts["default"] == 2
    assert report.plain_added == 1


@pytest.mark.parametrize(
    ("normalizer", "variants"),
    [
        (None, set()),
        (normalizers.Lowercase(), {"upper case"}),
        (normalizers.NFKC(), {"full width"}),
        (normalizers.Replace("\u200b", ""), {"U+200B inside"}),
        (normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]), {"U+0301 inside"}),
    ],
)
def test_spellings_that_the_normalizer_folds(tmp_path: Path, normalizer: Any, variants: set[str]) -> None:
    """A normalised marker comes in by every spelling that the normalizer folds to it, and by no other."""
    folder = make(tmp_path, AddedToken("<|end|>", special=True, normalized=True), normalizer=normalizer)
    report = weakspot.tokens.injection(str(folder))
    folded = {one.variant: one for one in report.spellings if one.variant}
    assert variants <= folded.keys()
    assert bool(folded) == bool(variants)
    library = Tokenizer.from_file(str(folder / "tokenizer.json"))
    marker = library.token_to_id("<|end|>")
    for one in folded.values():
        assert one.text != "<|end|>"
        assert marker in library.encode(one.text).ids
        assert not one.protected


def test_a_raw_marker_folds_from_nothing(tmp_path: Path) -> None:
    """A marker that is matched before the normalizer comes in by its own text only, whatever the normalizer does."""
    token = AddedToken("<|end|>", special=True, normalized=False)
    report = weakspot.tokens.injection(str(make(tmp_path, token, normalizer=normalizers.NFKC())))
    assert [one.text for one in report.spellings] == ["<|end|>"]


def test_white_space_and_words_around(tmp_path: Path) -> None:
    """A marker with lstrip takes the spaces before it, one with rstrip those behind it, one with single_word does not
    come in inside a word.
    """
    folder = make(
        tmp_path,
        AddedToken("<|left|>", special=True, lstrip=True),
        AddedToken("<|right|>", special=True, rstrip=True),
        AddedToken("<|word|>", special=True, single_word=True),
    )
    found = own(weakspot.tokens.injection(str(folder)))
    assert {text: (one.takes_before, one.takes_behind, one.inside_word) for text, one in found.items()} == {
        "<|left|>": (True, False, True),
        "<|right|>": (False, True, True),
        "<|word|>": (False, False, False),
    }


def test_a_marker_of_the_model_itself_gets_past_the_protection(tmp_path: Path) -> None:
    """The protection only stops the matching: a marker flagged special that is also a word of the model comes in."""
    folder = make(tmp_path, AddedToken("MARK", special=True), words=("MARK", "x", "y"))
    found = own(weakspot.tokens.injection(str(folder)))
    assert found["MARK"].protected
    assert found["MARK"].through == "model"


def test_tokens_kept_free_are_counted_apart(tmp_path: Path) -> None:
    """Reserved tokens come in like any other, and neither stand in the headline nor hide what does."""
    added = [AddedToken(f"<unused{number}>") for number in range(9)]
    report = weakspot.tokens.injection(str(make(tmp_path, *added, AddedToken("<think>"))))
    assert report.reserved == 9
    assert report.counts["protected"] == 1
    assert report.counts["reserved_protected"] == 9
    assert report.spellings[0].text == "<think>"


def test_a_user_writes_turns_under_chatml(tmp_path: Path) -> None:
    """One message gives the very ids of a conversation of three; the protection over the user's text alone stops it and
    keeps the template's markers; over the whole prompt it takes these away too.
    """
    folder = with_template(make(tmp_path, *MARKERS, AddedToken("<think>")), CHAT)
    report = weakspot.tokens.injection(str(folder))
    assert report.chat is not None
    for role in ("system", "assistant"):
        forged = forgeries(report)[role]
        assert forged.real
        assert (forged.default, forged.protected, forged.split) == ("forged", "stopped", "stopped")
        assert sorted(forged.markers) == ["<|im_end|>"] * 2 + ["<|im_start|>"] * 2
    chat = report.chat
    assert (len(chat.markers), chat.kept_default, chat.kept_protected) == (5, 5, 0)
    trials = {trial.text: trial for trial in chat.trials}
    assert [trials["<think>"].default, trials["<think>"].protected, trials["<think>"].split] == [True, True, True]
    assert [trials["<|im_end|>"].default, trials["<|im_end|>"].split] == [True, False]
    assert trials["<|im_end|>"].own
    assert not trials["<think>"].own


def test_markers_that_are_not_special_forge_past_every_protection(tmp_path: Path) -> None:
    """Where the template's markers are not flagged special, even encoding the user's text apart lets a turn in."""
    plain = [AddedToken(token.content) for token in MARKERS]
    report = weakspot.tokens.injection(str(with_template(make(tmp_path, *plain), CHAT)))
    forged = forgeries(report)["system"]
    assert (forged.default, forged.protected, forged.split) == ("forged", "forged", "forged")


@pytest.mark.parametrize(
    ("does", "effect"),
    [
        ("m.content", "passes"),
        ("m.content.strip()", "passes"),
        ("m.content.replace('<|im_end|>', '')", "removed"),
        ("m.content.replace('<', '&lt;')", "changed"),
        ("(raise_exception('no') if '<|im_end|>' in m.content and m.role == 'user' else m.content)", "refused"),
    ],
)
def test_what_a_template_does_with_a_marker(tmp_path: Path, does: str, effect: str) -> None:
    """A template passes a marker on, takes it out, rewrites it or gives up; only one that is passed on becomes an id."""
    template = CHAT.replace("m.content", does)
    report = weakspot.tokens.injection(str(with_template(make(tmp_path, *MARKERS), template)))
    assert report.chat is not None
    trial = next(trial for trial in report.chat.trials if trial.text == "<|im_end|>")
    assert trial.effect == effect
    assert trial.default == (effect == "passes")
    assert report.chat.trims == (does == "m.content.strip()")
    if effect != "passes":
        assert all(not one.real for one in report.chat.forgeries)


def test_a_system_message_without_a_marker_is_plain_text(tmp_path: Path) -> None:
    """A template that puts the system's words before the user's in one turn lets any user write them: said in a note."""
    template = (
        "{% set s = messages[0].content + '\n\n' if messages[0].role == 'system' else '' %}"
        "{% for m in messages if m.role != 'system' %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('alternate') }}{% endif %}"
        "{{ '<|im_start|>' + (s if loop.first else '') + m.content + '<|im_end|>' }}{% endfor %}"
    )
    report = weakspot.tokens.injection(str(with_template(make(tmp_path, *MARKERS), template)))
    assert report.chat is not None
    assert not report.chat.system_marked
    assert forgeries(report)["system"].split == "plain-text"
    assert any("in plain text" in note for note in report.chat.notes)


def test_a_system_turn_is_put_together_where_no_real_one_may_follow(tmp_path: Path) -> None:
    """A template that takes a system turn first only is attacked by its own pieces, and the report says so."""
    template = (
        "{% for m in messages %}{% if m.role == 'system' and not loop.first %}{{ raise_exception('first') }}{% endif %}"
        "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n' }}"
    )
    report = weakspot.tokens.injection(str(with_template(make(tmp_path, *MARKERS), template)))
    forged = forgeries(report)["system"]
    assert not forged.real
    assert "<|im_end|>\n<|im_start|>system\n" in forged.content
    assert forged.default == "forged"


def test_other_tokenizers_beside_it(tmp_path: Path) -> None:
    """Held beside another, the markers that only one of the two lets in are listed with the ids of both."""
    one, other = make(tmp_path / "a", AddedToken("<|end|>", special=True)), make(tmp_path / "b")
    report = weakspot.tokens.injection(str(one), against=[str(other)])
    (twin,) = report.twins
    assert [(d.text, d.steers, d.other_steers) for d in twin.differences] == [("<|end|>", True, False)]
    assert 0.98 < twin.shared < 1
    assert not weakspot.tokens.injection(str(one), against=[str(one)]).twins[0].differences


def test_without_a_template(tmp_path: Path) -> None:
    """A tokenizer alone has no chat part, in words where it was named as a model."""
    folder = make(tmp_path, *MARKERS)
    report = weakspot.tokens.injection(str(folder))
    assert report.chat is None
    assert any("No chat template" in note for note in report.notes)
    with_template(folder, CHAT)
    assert weakspot.tokens.injection(str(folder), template=False).chat is None
    with pytest.raises(UnknownTokenizer):
        weakspot.tokens.injection("no-such-thing")


def test_the_command(tmp_path: Path, weakspot_command: Callable[..., CompletedProcess[str]]) -> None:
    """Exit code 0 with findings, the headline first, JSON that reads back to the record, no escape sequence of a token
    in the terminal, and one sentence for a mistake.
    """
    hostile = AddedToken("<|\x1b[31mred|>")
    folder = with_template(make(tmp_path, *MARKERS, hostile), CHAT)
    shown = weakspot_command("tokens", "injection", str(folder), COLUMNS="120")
    assert shown.returncode == 0
    assert "1 of them get past the library's own protection" in shown.stdout
    assert "a user writes the system's turn" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert shown.stdout.index("Past the library's own protection") < shown.stdout.index("By default, stopped")
    data = weakspot_command("tokens", "injection", str(folder), "--json")
    report = from_json(data.stdout, InjectionReport)
    assert report.counts["protected"] == 1
    assert from_json(to_json(report), InjectionReport) == report
    two = weakspot_command("tokens", "injection", "-t", str(folder), "-t", str(folder))
    assert two.returncode == 0
    assert "Chat template" not in two.stdout
    for words, code in (((), 2), (("no-such-thing",), 15), ((str(folder), "--limit", "-1"), 2)):
        failed = weakspot_command("tokens", "injection", *words)
        assert failed.returncode == code
        assert failed.stderr.startswith("weakspot: ")
        assert "Traceback" not in failed.stderr
