"""The JSON Schemas that editors check files against: what pydantic writes of a model, and what it does not say. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

Part = dict[str, Any]


def schema_of(model: type[BaseModel], say: Callable[[Part], Part]) -> Part:
    """Give the schema of a model's files. `say` is given every part of it, inner parts first, and gives what stands there."""
    told = _each_part(model.model_json_schema(), say)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **told}


def _each_part(node: Any, say: Callable[[Part], Part]) -> Any:
    if isinstance(node, list):
        return [_each_part(item, say) for item in node]
    if not isinstance(node, dict):
        return node
    return say({key: _each_part(value, say) for key, value in node.items()})
