"""YAML whose author is not known: plain values, read in a time that grows with the text."""

from __future__ import annotations

import functools
from typing import Any


class YamlProblemError(ValueError):
    """What is wrong, on one line; `line` and `column` count from one, and are 0 where there is no place.

    The values around it are not told: one of them may be a secret in the wrong place.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def load_yaml(text: str) -> Any:
    """The value that `text` describes, as the safe schema of YAML 1.2 knows them. Raises `YamlProblemError`.

    Merge keys (`<<`) are refused: of references to references they make texts of a few lines that take for ever.
    """
    # Imported late: it takes 70 ms, and half of the commands read no YAML.
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return _loader().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblemError(_reason(error), *((mark.line + 1, mark.column + 1) if mark else ())) from None
    except RecursionError:
        raise YamlProblemError("is nested too deeply") from None
    except (YAMLError, ValueError) as error:
        raise YamlProblemError(_first_line(error)) from None


def _loader() -> Any:
    from ruamel.yaml import YAML

    loader = YAML(typ="safe", pure=True)
    loader.Constructor = _constructor()
    return loader


@functools.cache
def _constructor() -> type[Any]:
    from ruamel.yaml.constructor import ConstructorError, SafeConstructor

    class WithoutMerging(SafeConstructor):
        def flatten_mapping(self, node: Any) -> Any:
            for key, _ in node.value:
                if key.tag == "tag:yaml.org,2002:merge":
                    raise ConstructorError(None, None, "keys are not merged here (<<)", key.start_mark)
            return super().flatten_mapping(node)

    return WithoutMerging


def _reason(error: Any) -> str:
    if type(error).__name__ == "DuplicateKeyError":
        return "the same key is there twice"
    return _first_line(error.problem or error.context or "is not YAML")


def _first_line(what: object) -> str:
    return (str(what).splitlines() or ["cannot be read"])[0]
