"""The comments that stand beside the fields of a class, read from its source."""

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Mapping


def field_comments(kind: type) -> dict[str, str]:
    """By field, or member of an enum; inherited ones too. A comment stands behind it or above."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("stridehub."):
            found |= _own_comments(textwrap.dedent(inspect.getsource(base)))
    return found


def _own_comments(source: str) -> dict[str, str]:
    lines = source.splitlines()
    behind = dict(_comments(source))
    above = {line: text for line, text in behind.items() if lines[line - 1].lstrip()[0] == "#"}
    (parsed,) = ast.parse(source).body
    assert isinstance(parsed, ast.ClassDef)
    found = {}
    for node in parsed.body:
        if (name := _name(node)) is not None:
            text = behind.get(node.end_lineno or 0) or _block(above, node.lineno - 1)
            if text:
                found[name] = text
    return found


def _comments(source: str) -> list[tuple[int, str]]:
    """Line and text."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [
        (token.start[0], token.string.removeprefix("#").strip())
        for token in tokens
        if token.type == tokenize.COMMENT and not token.string.startswith("# fmt:")
    ]


def _name(node: ast.stmt) -> str | None:
    if isinstance(node, ast.AnnAssign):
        target: ast.expr = node.target
    elif isinstance(node, ast.Assign):
        (target,) = node.targets
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def _block(above: Mapping[int, str], last_line: int) -> str:
    """Comment lines that end there."""
    first = last_line
    while first in above:
        first -= 1
    return " ".join(above[line] for line in range(first + 1, last_line + 1))
