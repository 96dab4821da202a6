"""What a finished run hands back."""

from pathlib import Path

from weakspot.records import Summary
from weakspot.rendering.page import summary_html


class RunResult:
    """A finished run.

    Attributes:
        folder: the run folder.
        summary: the numbers (`weakspot.records.Summary`).
        files: the report's files, by their names.
    """

    def __init__(self, folder: Path, summary: Summary, files: dict[str, Path]) -> None:
        self.folder = folder
        self.summary = summary
        self.files = files

    def __repr__(self) -> str:
        verdicts = "; ".join(f"{c.a} / {c.b}: {c.pooled.verdict}" for c in self.summary.comparisons)
        return f"RunResult({str(self.folder)!r}, {verdicts or 'no comparison'})"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return summary_html(self.summary)
