"""Progress where nobody watches a terminal."""

import pytest

from weakspot.cli import progress


def lines(capsys: pytest.CaptureFixture[str], total: int) -> list[str]:
    """What a run of so many probes writes on standard error."""
    with progress.ProgressSink() as sink:
        sink.start("m", total, 0)
        for _ in range(total):
            sink.advance("m", 5)
    return capsys.readouterr().err.splitlines()


def test_quarters_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Quick work gives the beginning, four quarters and nothing else; the last line says that all is done."""
    said = lines(capsys, 40)
    assert len(said) == 5
    assert said[0] == "m: 0 of 40 probes"
    assert said[-1].startswith("m: 40 of 40 probes")


def test_slow_work_is_not_silent(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """After a silence of the given length the next answer is told, wherever it falls."""
    monkeypatch.setattr(progress, "SILENCE_S", 0.0)
    assert len(lines(capsys, 40)) == 41
