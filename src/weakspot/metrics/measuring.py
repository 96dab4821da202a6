"""All measures of one run."""

from weakspot.metrics.amplification import amplifications
from weakspot.metrics.attacks import attack_effects
from weakspot.metrics.bias import bbq_scores, bias_pairs
from weakspot.metrics.controls import control_effects, control_rates
from weakspot.metrics.knowing import calibrations, consistency, known_unknown
from weakspot.metrics.rows import Rows
from weakspot.metrics.sycophancy import matrix_effects, pressure_effects
from weakspot.records.metrics import Metrics


def measure(rows: Rows) -> Metrics:
    """Every measure that the rows have items for."""
    return Metrics(
        attacks=attack_effects(rows),
        pressure=pressure_effects(rows),
        matrix=matrix_effects(rows),
        pairs=bias_pairs(rows),
        bbq=bbq_scores(rows),
        amplification=amplifications(rows),
        calibration=calibrations(rows),
        known=known_unknown(rows),
        consistency=consistency(rows),
        controls=control_rates(rows),
        control_pairs=control_effects(rows),
    )
