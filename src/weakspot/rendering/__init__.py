"""Saved records to something a person reads: a page, Markdown, JSON, CSV, a terminal, a notebook.

It needs records alone: no model, no tokenizer, no network, and it does not know how a run is stored.
"""

from weakspot.rendering.csv import write_csv
from weakspot.rendering.items import csv_rows
from weakspot.rendering.markdown import render_markdown
from weakspot.rendering.page import render_html, summary_html
from weakspot.rendering.report import summary_json, write_report
from weakspot.rendering.terminal import summary_renderable
from weakspot.rendering.view import (
    FailureView,
    Hypothesis,
    ItemResult,
    ItemRow,
    ReportInput,
    TrailToken,
    Uninformative,
    trail,
)

__all__ = [
    "FailureView",
    "Hypothesis",
    "ItemResult",
    "ItemRow",
    "ReportInput",
    "TrailToken",
    "Uninformative",
    "csv_rows",
    "render_html",
    "render_markdown",
    "summary_html",
    "summary_json",
    "summary_renderable",
    "trail",
    "write_csv",
    "write_report",
]
