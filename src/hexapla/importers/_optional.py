"""Optional extra of this floor: `hexapla[yaml]` (PyYAML), which reads the files of Claudex and LiteLLM that are YAML."""

from __future__ import annotations

from typing import Any

from hexapla.errors import ConfigError


def load_yaml(text: str, file: str) -> Any:
    """The data of a YAML text.  Raises ConfigError without the extra, or with the line of the first mistake."""
    try:
        import yaml
    except ImportError:
        raise ConfigError("Reading YAML needs the extra: pip install hexapla[yaml].", file=file) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or "it cannot be read"
        raise ConfigError(
            f"This is not valid YAML: {why}.", file=file, line=mark.line + 1 if mark is not None else None
        ) from None
    except RecursionError:
        raise ConfigError("This YAML is nested too deep.", file=file) from None
