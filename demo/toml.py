"""Writes a table as TOML: just what a config.toml holds (tomllib only reads)."""

import json
from datetime import datetime
from typing import Any


def dump(table: dict[str, Any]) -> str:
    """TOML of a table of tables and of lists of tables, each one level deep."""
    lines: list[str] = []
    for name, value in table.items():
        if isinstance(value, dict):
            lines += [f"[{name}]", *_pairs(value), ""]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                lines += [f"[[{name}]]", *_pairs(entry), ""]
        else:
            lines.insert(0, f"{name} = {_value(value)}")
    return "\n".join(lines)


def _pairs(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    return json.dumps(str(value), ensure_ascii=False)
