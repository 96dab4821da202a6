"""A look inside a model as one interactive HTML page: it loads nothing and runs one script of its own.

Everything but the pictures is written here, so that the page says the same without the script. The script draws from
a block of JSON and is named by its hash in the page's policy, so no other can run.
"""

import base64
import hashlib
import json
import math
import shlex
from typing import Any

from markupsafe import Markup

from weakspot.records.look import Look
from weakspot.rendering import formats, look_charts, look_rows
from weakspot.rendering.environment import TEMPLATES, environment
from weakspot.rendering.look_words import copying_words, head_name, shown, signed, small
from weakspot.version import __version__

SCRIPTS = ("look_heat.js", "look.js")
LONGEST_PROMPT = 300
ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
"""What could end a script block, or a line of a script, before its time."""


def look_html(look: Look) -> str:
    """The page. Every expression of the template passes `markup.plain` and is then escaped."""
    script = "".join((TEMPLATES / name).read_text("utf-8") for name in SCRIPTS)
    made = environment(shown=shown, signed=signed, small=small, decimal=formats.decimal, p_equals=formats.p_equals)
    return made.get_template("look_page.html").render(
        look=look,
        head=look_rows.headline(look),
        measures=look_rows.measures(look),
        chips=look_rows.chips(look.tokens, look_rows.measures(look)),
        target=look_rows.chips(look.target, look_rows.MEASURES[-1:]),
        several=look_rows.several(look),
        agreements=look_rows.agreements(look),
        inducing=look_rows.inducing(look),
        head_rows=look_rows.head_rows(look),
        grid=look_rows.lens_grid(look),
        massive=look_rows.massive(look),
        residual=look_rows.residual_rows(look),
        patches=look_rows.patch_tables(look),
        by_head=look_rows.by_head(look),
        settles=look_rows.settles(look),
        arrives=look_rows.arrives(look),
        copying=copying_words(look.induction) if look.induction else "",
        shares=look_rows.in_shares(look),
        charts=look_charts.charts(look),
        size=look_charts.SIZE,
        strips=look_charts.strips,
        command=command(look),
        data=Markup(data_json(look)),  # noqa: S704 - JSON with everything that markup is made of escaped
        script=Markup(script),  # noqa: S704 - the page's own script, a file of this package
        script_hash=script_hash(script),
        version=__version__,
    )


def script_hash(script: str) -> str:
    """What a Content-Security-Policy names an inline script by: base64 of its SHA-256."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def data_json(look: Look) -> str:
    """What the script draws from, as JSON for a script block; texts are shortened and have no invisible characters."""
    written = json.dumps(_finite(data(look)), separators=(",", ":"), allow_nan=False)
    return written.translate(ESCAPES)


def data(look: Look) -> dict[str, Any]:
    """The measures by token, the heads, their pictures and the residual stream."""
    several = look_rows.several(look)
    moved = {one.what: (one.moved, one.share) for one in look.patching.by_head} if look.patching else {}
    heads = []
    for one in look.heads:
        name = head_name(one, several=several)
        values = [one.sink, one.previous, one.entropy, one.spread, one.distance, one.induction]
        heads.append([name, one.stack, one.layer, one.head, *values, *moved.get(name, (None, None))])
    said: dict[str, list[str]] = {}
    for effect in look_rows.effects(look):
        for name in effect.heads:
            said.setdefault(name, []).append(effect.sentence)
    return {
        "tokens": [shown(token.text) for token in look.tokens],
        "target": [shown(token.text) for token in look.target],
        "values": {name: look_rows.values(look, name) for name, _ in look_rows.measures(look)},
        "groups": [token.group for token in look.tokens],
        "heads": heads,
        "said": said,
        "threshold": look.induction.threshold if look.induction else None,
        "maps": [
            [one.stack, one.layer, one.head, one.rows, one.columns, one.row_tile, one.column_tile, one.data]
            for one in look.maps
        ],
        "residual": [[one.stack, one.tile, one.norms, one.largest] for one in look.residual],
    }


def command(look: Look) -> str:
    """The command that makes this look again, as far as the record tells; a long prompt has to be given again."""
    parts = ["weakspot", "look", look.reference, _quoted(look.prompt, "PROMPT")]
    if look.answer.given:
        parts += ["--answer", _quoted(look.answer.text, "TEXT")]
    asked = look.ablations or (look.patching.heads if look.patching else ())
    for effect in asked:
        parts += ["--ablate", "+".join(effect.heads)]
    if look.patching:
        parts += ["--patch", _quoted(look.patching.prompt, "PROMPT")]
    if any(effect.how == "zero" for effect in look.ablations):
        parts += ["--how", "zero"]
    return shlex.join([*parts, "--html", "page.html"])


def _quoted(text: str, stand_in: str) -> str:
    """What is long, or would be taken for an option, has to be put in by hand."""
    return stand_in if len(text) > LONGEST_PROMPT or text.startswith("-") else text


def _finite(value: Any) -> Any:
    """Not-a-number and the infinities are no numbers, in JSON neither."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, (list, tuple)) else value
