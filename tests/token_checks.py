"""What must be true of every view of every text: against a reference library, of its offsets, of what it says is lost."""

from token_references import Reference
from weakspot.records import TokenFinding, TokenView
from weakspot.tokens.text import without_surrogates


def is_loss(finding: TokenFinding) -> bool:
    """Whether a finding tells of something that did not come back."""
    return "output" in finding.evidence


def came_back(view: TokenView, given: str) -> bool:
    """Whether everything outside the losses' stretches stands in the decoded text, in order, ends included."""
    raw = given.encode()
    spans = sorted((f.start, f.end) for f in view.findings if is_loss(f))
    if not spans:
        return view.decoded == given
    kept, done = [], 0
    for start, end in spans:
        kept.append(raw[done : max(start, done)].decode())
        done = max(done, end)
    kept.append(raw[done:].decode())
    if not view.decoded.startswith(kept[0]) or not view.decoded.endswith(kept[-1]):
        return False
    at = len(kept[0])
    for part in kept[1:-1]:
        if (found := view.decoded.find(part, at)) < 0:
            return False
        at = found + len(part)
    return at <= len(view.decoded) - len(kept[-1])


def check_offsets(view: TokenView) -> None:
    """Offsets lie inside the text, in order; where the pieces are the text's bytes they name just those."""
    raw = view.text.encode()
    starts = [piece.start for piece in view.pieces]
    assert starts == sorted(starts)
    assert all(0 <= piece.start <= piece.end <= len(raw) for piece in view.pieces)
    held = [bytes.fromhex(piece.bytes) for piece in view.pieces]
    if b"".join(held) == raw:
        assert [raw[piece.start : piece.end] for piece in view.pieces] == held
    if view.lossless:
        covered = 0
        for piece in view.pieces:
            assert piece.start <= covered or not raw[covered : piece.start].strip(), view.text
            covered = max(covered, piece.end)
        assert not raw[covered:].strip()


def check_losses(view: TokenView, text: str) -> None:
    """`lossless` says whether the text came back; if not, findings with a stage cover all that did not."""
    assert view.lossless == (view.decoded == text)
    losses = [finding for finding in view.findings if is_loss(finding)]
    broken = [finding for finding in view.findings if finding.code in ("lone-surrogate", "invalid-utf8")]
    assert bool(broken) == (text != without_surrogates(text))
    if view.lossless:
        assert not losses, text
    else:
        assert losses or broken, text
        assert came_back(view, without_surrogates(text)), (text, view.decoded, losses)


def check_against(view: TokenView, text: str, library: Reference) -> None:
    """Ids and decoded text are the library's."""
    expected = library.encode(without_surrogates(text))
    assert list(view.ids) == expected, text
    assert view.decoded == library.decode(expected), text
