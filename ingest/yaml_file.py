"""YAML as our hand-written files use it: a key stands once, and codes and dates stay text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from ingest.faults import Fault

# The parser in C is ten times as fast; a platform without it reads the same with the one in Python.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Parser):
    """YAML in which only null, true, false and plain numbers are not text, and a key stands once.

    A month (2004-01), a date and a code with a leading zero stay as they are written.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is neither a text nor a number", key_node.start_mark
                )
            line = key_node.start_mark.line + 1
            if key in seen:
                self.faults.append(
                    (str(key), f"stands twice, in lines {seen[key]} and {line}; allowed: once")
                )
            seen.setdefault(key, line)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.faults: list[tuple[str, str]] = []


for _tag, _pattern, _starts in (
    ("tag:yaml.org,2002:null", r"~|null|", ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", r"true|false", ["t", "f"]),
    ("tag:yaml.org,2002:int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("tag:yaml.org,2002:float", r"-?(0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _starts)


def read_yaml(path: Path, shown: str) -> tuple[dict[str, Any], list[Fault]]:
    """Read one file; a file that is not a mapping comes back empty, with the fault."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        content = loader.get_single_data()
    except UnicodeDecodeError as error:
        return {}, [Fault(shown, "(file)", f"is not UTF-8 text at byte {error.start}")]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return {}, [Fault(shown, f"line {line}", f"is not YAML: {error.problem}")]
    except yaml.YAMLError as error:
        return {}, [Fault(shown, "(file)", f"is not YAML: {str(error).splitlines()[0]}")]
    faults = [Fault(shown, field, what) for field, what in loader.faults]
    if not isinstance(content, dict):
        return {}, [*faults, Fault(shown, "(file)", "is not a list of `key: value`")]
    return content, faults
