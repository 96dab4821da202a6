"""The codes of findings have words in a report, losses are told from what is none, and charts draw what they should."""

import re
from pathlib import Path

import msgspec
import pytest

from audit_fixture import compared, lossless_tokenizer, lossy_tokenizer
from hard_texts import HARD_TEXTS
from test_rendering_audit import cost
from weakspot.findings.anomalies import find_anomalies
from weakspot.findings.losses import find_losses
from weakspot.records.audit import AuditSummary, CodeCount, GroupCost
from weakspot.records.tokens import Stage
from weakspot.rendering.audit_charts import group_panels, premium_pair
from weakspot.rendering.audit_codes import ANY_LOSS, LOSSES, MEANINGS, is_loss
from weakspot.rendering.audit_figures import change, change_interval, money, share, speed, times, times_interval
from weakspot.rendering.audit_tables import by_cost, stages
from weakspot.tokens.face import Tokenizer

DOCS = Path(__file__).parents[1] / "docs" / "findings.md"
BOTH = frozenset({"literal-byte-token", "literal-space-mark"})
"""Codes that stand for a loss or, where nothing was lost, for a warning."""


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Tokenizer]:
    """A WordPiece that loses much, and a byte-level BPE that loses nothing."""
    folder = tmp_path_factory.mktemp("tokenizers")
    return lossy_tokenizer(folder), lossless_tokenizer(folder)


def count(code: str, stage: Stage = "model", severity: int = 3, findings: int = 1) -> CodeCount:
    """A kind of finding without examples."""
    return CodeCount(code=code, stage=stage, severity=severity, findings=findings, documents=1)


def test_every_documented_code_has_words() -> None:
    """Each code of docs/findings.md has a meaning here, and none is explained that the page does not list."""
    documented = set(re.findall(r"^### ([a-z0-9-]+)$", DOCS.read_text("utf-8"), re.MULTILINE))
    assert documented == set(MEANINGS) - {ANY_LOSS}
    assert set(MEANINGS) > LOSSES


def test_losses_are_what_the_loss_detector_finds(tokenizers: tuple[Tokenizer, Tokenizer]) -> None:
    """Over all hard texts the loss detector gives losses and drift only, and the other detectors give no loss."""
    lost, odd = set(), set()
    for tokenizer in tokenizers:
        for text in HARD_TEXTS:
            encoded = tokenizer.encode(text)
            lost |= {f.code for f in find_losses(tokenizer, text, encoded, tokenizer.decode(encoded.ids))}
            odd |= {f.code for f in find_anomalies(tokenizer, text, encoded)}
    assert len(lost) > 6
    assert lost <= LOSSES | {"drift"}
    assert not odd & LOSSES - BOTH
    assert lost | odd <= set(MEANINGS)


def test_a_spelled_byte_token_is_a_loss_only_where_it_became_one() -> None:
    """A byte token that was only spelled has severity 1 and is no loss."""
    assert is_loss(count("literal-byte-token", severity=4))
    assert not is_loss(count("literal-byte-token", severity=1))


def test_the_pipeline_counts_losses_by_stage() -> None:
    """Each stage has the sum of its losses and the worst of them; findings that lose nothing are in none."""
    codes = [
        count("case-lost", "normalizer", 3, 10),
        count("accents-lost", "normalizer", 4, 5),
        count("bidi-control", "input", 4, 7),
        count("truncation", "truncation", 4, 2),
    ]
    found = {stage.name: (stage.findings, stage.severity) for stage in stages(codes)}
    assert found["normalizer"] == (15, 4)
    assert found["input"] == (0, 0)
    assert found["truncation"] == (2, 4)
    assert list(found) == ["input", "normalizer", "pre-tokenizer", "model", "decoder", "truncation"]


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 10, "0%"),
        (10, 10, "100%"),
        (1, 100_000, "<0.1%"),
        (99_999, 100_000, ">99.9%"),
        (1, 3, "33.3%"),
        (0, 0, "–"),
    ],
)
def test_a_few_are_not_none(part: int, whole: int, shown: str) -> None:
    """A share is 0% only of none and 100% only of all; of nothing there is no share."""
    assert share(part, whole) == shown


def test_ratios_changes_and_prices() -> None:
    """Numbers keep what can be read of them, and what is no number is a dash."""
    assert [times(value) for value in (1.2345, 12.345, 1234.5, None, float("nan"))] == [
        "1.23×",
        "12.3×",
        "1,234×",
        "–",
        "–",
    ]
    assert times_interval(1.2, 1.31) == "1.20–1.31×"
    assert times_interval(None, 2.0) == "–"
    assert change(12.0, as_times=True) == "13.0×"
    assert [change(value) for value in (-0.1234, 0.5, 0, -0.0001, float("inf"))] == [
        "−12.3%",
        "+50.0%",
        "0.0%",
        "−<0.1%",
        "–",
    ]
    assert change_interval(-0.2, -0.1) == "−20.0% to −10.0%"
    assert change_interval(1.0, 19.0, as_times=True) == "2.00–20.0×"
    assert change_interval(None, None) == "–"
    assert [money(value) for value in (0.0, 1234.5, 0.00034, None)] == ["0.00", "1,234.50", "0.00034", "–"]
    assert speed(1, 0) == "–"
    assert speed(25_000_000, 2.0) == "12.5 MB/s"


def test_groups_are_drawn_costliest_first(tokenizers: tuple[Tokenizer, Tokenizer]) -> None:
    """The chart's rows stand in the order of the premium, each with one mark, and the wide one names them once."""
    summary = compared(*tokenizers).second
    panels, left_out = group_panels(summary)
    assert [panel.title for panel in panels] == ["Premium over eng", "Bytes per token", "Tokens per word"]
    assert left_out == 0
    names = re.findall(r">(tha|ell|deu|eng|notes)<", panels[0].wide)
    assert names == [cost.group for cost in by_cost(summary.groups, "eng")]
    assert names[0] == "tha"
    assert not re.findall(r">(tha|ell|deu|eng|notes)<", panels[1].wide)
    assert re.findall(r">(tha|ell|deu|eng|notes)<", panels[1].narrow) == names


def test_many_groups_are_drawn_from_both_ends(tokenizers: tuple[Tokenizer, Tokenizer]) -> None:
    """Of 300 groups 40 are drawn with one row that says how many lie between; names that are cut alike stay apart."""
    diff = compared(*tokenizers)
    groups = tuple(cost(f"group{'x' * 100}{n}", 1 + n / 100) for n in range(1, 300))
    first, second = (with_groups(side, (cost("eng"), *groups)) for side in (diff.first, diff.second))
    panels, left_out = group_panels(first)
    assert left_out == 260
    assert "⋯ 260 between" in panels[0].wide
    assert panels[0].wide.count(">groupx") == 40 - 1
    pair = premium_pair(msgspec.structs.replace(diff, first=first, second=second))
    assert pair[0].wide.count(">groupx") == 40


def with_groups(summary: AuditSummary, groups: tuple[GroupCost, ...]) -> AuditSummary:
    """The summary with other groups."""
    return msgspec.structs.replace(summary, groups=groups, reference_group="eng")


@pytest.mark.parametrize(
    "premiums", [(0.2, 30.0), (0.97, 1.02), (1.0, 1.0), (0.0, 2.0), (1e-9, 1e9), (float("nan"), float("inf"))]
)
def test_any_premium_can_be_drawn(tokenizers: tuple[Tokenizer, Tokenizer], premiums: tuple[float, float]) -> None:
    """Premiums from a billionth to a billion, equal ones and numbers that are none give a chart or none, no error."""
    groups = (cost("eng"), *(cost(f"g{n}", premium) for n, premium in enumerate(premiums)))
    panels, _ = group_panels(with_groups(compared(*tokenizers).first, groups))
    assert all("<svg" in panel.wide and "NaN" not in panel.wide for panel in panels)
