"""What an importer hands over: another tool's items, and its results where the file holds any."""

import msgspec

from weakspot.records.model import Candidate, ModelInfo
from weakspot.records.probe import Probe
from weakspot.records.response import Response
from weakspot.records.score import Score


class ImportedModel(msgspec.Struct, frozen=True):
    """One model's results. `responses` and `scores` are by probe, `candidate.kind` is "imported".

    `reported` holds the numbers that the tool itself states for this model (metric name -> value), to be held against
    our counts.
    """

    candidate: Candidate
    info: ModelInfo
    responses: tuple[Response, ...]
    scores: tuple[Score, ...]
    reported: dict[str, float] = {}


class Imported(msgspec.Struct, frozen=True):
    """The content of one file or folder of another tool.

    `tool` and `version` name what wrote it ("lm-eval", "0.4.9"; version empty where the file does not say), `suite`
    names the task or data set. Without `models` it is a suite of probes, with them a finished run. `notes` are
    sentences on what could not be taken over, one for each kind of loss.
    """

    tool: str
    version: str
    suite: str
    probes: tuple[Probe, ...]
    models: tuple[ImportedModel, ...] = ()
    notes: tuple[str, ...] = ()
