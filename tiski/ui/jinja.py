"""The Jinja environment of every page and mail."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache

import jinja2
from django.urls import reverse
from django.utils import timezone, translation
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from tiski.ui import formats, page, statics

_CHANNEL_ICONS = {"chat": "message-circle", "email": "mail", "phone": "phone", "form": "list", "social": "at-sign"}
_ICON = '<svg class="i{}" aria-hidden="true" focusable="false"><use href="#i-{}"/></svg>'


def environment(**options: object) -> jinja2.Environment:
    """Strict names, escaped HTML, gettext, and the functions and filters that templates may use.

    `options` come from Django's template backend; text mails (`.txt`) are not escaped.
    """
    options |= {"undefined": jinja2.StrictUndefined, "autoescape": _escapes, "trim_blocks": True, "lstrip_blocks": True}
    env = Environment(extensions=["jinja2.ext.i18n"], **options)
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_callables(  # type: ignore[attr-defined]
        translation.gettext,
        translation.ngettext,
        newstyle=True,
        pgettext=translation.pgettext,
        npgettext=translation.npgettext,
    )
    env.globals |= GLOBALS
    env.filters |= FILTERS
    return env


def escaped(value: object) -> str:
    """What stands for a value in a page: `escape`, without a detour for what is safe already."""
    kind = type(value)
    return value if kind is Markup else str(value) if kind is int else escape(value)  # type: ignore[return-value]


class _Writer(CodeGenerator):
    """Writes templates that escape by `escaped`; Jinja says `escape(` in one place."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.escaped(")


class _Template(jinja2.Template):
    """A template without globals of its own, so that what is imported from it need not be compared with them."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        return super()._get_default_module()


class Environment(jinja2.Environment):
    """Jinja that draws constant icons when a template is compiled, and keeps what depends on the language alone."""

    code_generator_class = _Writer
    template_class = _Template
    escaped = staticmethod(escaped)

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.drawn: dict[tuple[str, str], Markup] = {}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Icons().visit(super()._parse(source, name, filename))
        return tree


class _Icons(NodeTransformer):
    """Puts the drawing in the place of `icon("inbox")`: a page has a hundred of them."""

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802  Jinja calls it so
        """Leave every other call, and icons whose name is not yet known."""
        self.generic_visit(node)
        if not (isinstance(node.node, nodes.Name) and node.node.name == "icon"):
            return node
        try:
            words = {each.key: each.value.as_const() for each in node.kwargs}
            drawing = icon(*(each.as_const() for each in node.args), **words)
        except nodes.Impossible:
            return node
        return nodes.Const(drawing, lineno=node.lineno)


@jinja2.pass_eval_context
def say(context: nodes.EvalContext, text: str, **values: object) -> str:
    """A sentence in the reader's language, with values put in: what Jinja's own `_` does, at a quarter of its cost."""
    said = translation.gettext(text)
    if context.autoescape:
        said = Markup(said)  # noqa: S704  catalogues are ours; values are escaped as they are put in
    return said % values if values or "%" in said else said


@jinja2.pass_environment
def fixed(env: Environment, name: str) -> Markup:
    """A part of the page that depends on nothing but the language: drawn once for each."""
    key = name, translation.get_language() or ""
    drawn = env.drawn.get(key)
    if drawn is None or env.auto_reload:
        drawn = env.drawn[key] = Markup(env.get_template(name).render())  # noqa: S704  escaped as it was drawn
    return drawn


@cache
def icon(name: str, small: bool = False) -> Markup:
    """A decorative icon from the sprite of the page; the words stand beside it or in a hidden name."""
    return Markup(_ICON).format(" i--small" if small else "", name)  # noqa: S704  our own constant


def joined(pieces: Iterable[Markup]) -> Markup:
    """The pieces one after the other."""
    return Markup("").join(pieces)


def channel_icon(kind: str) -> Markup:
    """The small icon of a channel."""
    return icon(_CHANNEL_ICONS.get(kind, "inbox"), small=True)


def clock_tag(times: formats.Times, at: datetime, css: str = "") -> Markup:
    """The time of day as an element that tells machines and pointers the whole moment."""
    return _time(times, at, times.clock(at), css)


def ago_tag(times: formats.Times, at: datetime, style: str = "short") -> Markup:
    """How long ago, as such an element."""
    return _time(times, at, times.ago(at, style), "")


def _time(times: formats.Times, at: datetime, shown: str, css: str) -> Markup:
    name = f' class="{css}"' if css else ""
    tag = f'<time{name} datetime="{formats.iso(at)}" title="{times.moment(at)}">{shown}</time>'
    return Markup(tag)  # noqa: S704  digits, and words of our own


def url(name: str, *args: object, **kwargs: object) -> str:
    """The address of a view; Django wants either places or names, not both."""
    return reverse(name, args=args or None, kwargs=kwargs or None)


def _escapes(template: str | None) -> bool:
    return template is None or not template.endswith(".txt")


GLOBALS = {
    "_": say,
    "static": statics.static,
    "icon": icon,
    "url": url,
    "look": page.look,
    "fixed": fixed,
    "times": formats.Times,
    "timezone": timezone.get_current_timezone_name,
}
"""Functions that every template may call."""

FILTERS = {
    "clock": formats.clock,
    "day": formats.day,
    "date": formats.date,
    "moment": formats.moment,
    "ago": formats.ago,
    "ago_tag": ago_tag,
    "clock_tag": clock_tag,
    "day_key": formats.Times.day_key,
    "channel_icon": channel_icon,
    "initials": formats.initials,
    "bytes": formats.size,
    "iso": formats.iso,
    "stamp": formats.stamp,
}
"""Filters that every template may use."""
