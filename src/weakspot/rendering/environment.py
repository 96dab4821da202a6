"""The one place where templates are opened: everything that they write passes `markup.plain` and is then escaped."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weakspot.rendering import formats, markup

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def environment(**filters: Callable[..., Any]) -> "Environment":
    """Templates with the filters that all pages share, and more."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 50 ms: not for `weakspot --help`

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=markup.plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "pretty": markup.pretty,
        "chips": markup.chips,
        "icon": markup.icon,
        "count": formats.count,
        "plural": formats.plural,
        **filters,
    }
    return made
