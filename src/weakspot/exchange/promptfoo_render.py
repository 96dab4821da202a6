"""promptfoo's templates (Nunjucks): `{{ variable }}`, in Jinja's sandbox and with nothing that could run long.

Templates come with the configuration and are hostile. Only names, attributes, constants, conditions and a few filters
are let through: no calls, no loops, no arithmetic, so that a text can't grow beyond its variables.
"""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, TemplateError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from weakspot.errors import ImportFailed
from weakspot.exchange.reading import shown

FILTERS = frozenset(("upper", "lower", "trim", "title", "capitalize", "default", "length", "first", "last", "dump"))
ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Filter,
)
LONGEST = 4_000_000


class Renderer:
    """Puts a test's variables into texts; variables may use one another, as promptfoo lets them.

    Args:
        values: the variables.
        line: where a template stands in its file, for an error.
    """

    def __init__(self, values: Mapping[str, Any], line: Callable[[str], int]) -> None:
        self._line = line
        self._environment = ImmutableSandboxedEnvironment(undefined=_Kept, keep_trailing_newline=True)
        self._environment.filters["dump"] = self._environment.filters["tojson"]
        self._values = dict(values)
        for name, value in self._values.items():
            if isinstance(value, str) and "{{" in value:
                self._values[name] = self(value)

    def __call__(self, template: str) -> str:
        """The text.

        Raises:
            ImportFailed: it is no template that can be read, or asks for more than is let through.
        """
        if "{{" not in template and "{%" not in template:
            return template
        try:
            self._check(template, self._environment)
            text = self._environment.from_string(template).render(self._values)
        except (TemplateError, TypeError, ValueError, RecursionError) as error:
            raise self._failed(template, f"is no template that can be read: {shown(str(error))}") from None
        if len(text) > LONGEST:
            raise self._failed(template, "becomes too long")
        return text

    def _check(self, template: str, environment: Environment) -> None:
        for node in environment.parse(template).find_all(nodes.Node):
            bad = not isinstance(node, ALLOWED) or (isinstance(node, nodes.Filter) and node.name not in FILTERS)
            if bad:
                kind = f"the filter {node.name!r}" if isinstance(node, nodes.Filter) else type(node).__name__.lower()
                raise self._failed(template, f"uses {kind}, which is not run")

    def _failed(self, template: str, what: str) -> ImportFailed:
        return ImportFailed(
            f"The template at line {self._line(template)} {what}: {shown(template)[:80]}.",
            hint="Variables, conditions and simple filters are rendered; write the rest out.",
        )


class _Kept(Undefined):
    """A variable that no test gives: it stays as it is written, so that it is seen."""

    def __str__(self) -> str:
        return "{{" + str(self._undefined_name) + "}}"
