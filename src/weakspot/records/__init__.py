"""The frozen records that flow between rooms, with JSON in and out.

Every record is a `msgspec.Struct`: immutable, typed, compared by value. `to_json` and
`from_json` are the only way in and out; unknown fields are ignored on reading, so that a
newer minor version can be read, and a breaking change raises `SCHEMA_VERSION`.
"""

from weakspot.records.card import Card, CardLayer
from weakspot.records.codec import SCHEMA_VERSION, from_json, to_builtins, to_json
from weakspot.records.imported import Imported, ImportedModel
from weakspot.records.inspection import (
    Compute,
    Direction,
    Growth,
    Inspection,
    Inspections,
    KVCache,
    LintFinding,
    Risk,
    RiskResult,
)
from weakspot.records.model import Candidate, ModelInfo, Provenance
from weakspot.records.power import Assumption, Power, Reach
from weakspot.records.probe import Generation, Message, Probe
from weakspot.records.rating import Rating
from weakspot.records.response import (
    ChoiceLogprob,
    ErrorRecord,
    FinishReason,
    Reply,
    Request,
    Response,
    SourceText,
    Timings,
    TokenLogprob,
    Usage,
)
from weakspot.records.score import Evidence, ReplyClass, Score
from weakspot.records.summary import Comparison, Difference, Rate, Summary
from weakspot.records.tokens import Stage, TokenFinding, TokenKind, TokenPiece, TokenView

__all__ = [
    "SCHEMA_VERSION",
    "Assumption",
    "Candidate",
    "Card",
    "CardLayer",
    "ChoiceLogprob",
    "Comparison",
    "Compute",
    "Difference",
    "Direction",
    "ErrorRecord",
    "Evidence",
    "FinishReason",
    "Generation",
    "Growth",
    "Imported",
    "ImportedModel",
    "Inspection",
    "Inspections",
    "KVCache",
    "LintFinding",
    "Message",
    "ModelInfo",
    "Power",
    "Probe",
    "Provenance",
    "Rate",
    "Rating",
    "Reach",
    "Reply",
    "ReplyClass",
    "Request",
    "Response",
    "Risk",
    "RiskResult",
    "Score",
    "SourceText",
    "Stage",
    "Summary",
    "Timings",
    "TokenFinding",
    "TokenKind",
    "TokenLogprob",
    "TokenPiece",
    "TokenView",
    "Usage",
    "from_json",
    "to_builtins",
    "to_json",
]
