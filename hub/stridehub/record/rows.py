"""Structs as rows, a column for each field, and back."""

import sqlite3
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

Cell = str | int | float | bytes | None

_NESTED = ("quality", "zone", "side_effects", "profile", "pods", "baselines", "load")  # JSON

_Noun = TypeVar("_Noun")


def cells(noun: msgspec.Struct, without: Sequence[str] = ()) -> dict[str, Cell]:
    """By column. Raises ValueError or TypeError for what is not as its type says."""
    return {
        name: _cell(name, getattr(noun, name))
        for name in noun.__struct_fields__
        if name not in without
    }


def _cell(name: str, value: Any) -> Cell:
    if value is not None and name in _NESTED:
        return msgspec.json.encode(value).decode()
    cell: Cell = msgspec.to_builtins(value, builtin_types=(bytes,))
    return cell


def insert(database: sqlite3.Connection, table: str, row: dict[str, Cell]) -> None:
    """Replaces a row that is the same one. Raises sqlite3.Error, ValueError, OverflowError."""
    columns = ", ".join(f'"{name}"' for name in row)
    places = ", ".join("?" * len(row))
    database.execute(
        f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({places})", tuple(row.values())
    )


def noun(kind: type[_Noun], row: dict[str, Any]) -> _Noun:
    """What a row was made of. Raises ValueError."""
    values = {
        name: msgspec.json.decode(cell) if cell is not None and name in _NESTED else cell
        for name, cell in row.items()
    }
    return msgspec.convert(values, kind, strict=False)
