"""The user's `hexapla.toml`: one file, one source of truth, and none is needed.

    settings   its tables, and what was loaded      load       found, read, expanded, joined with the catalogue
    check      mistakes that the types let through  packaged   the catalogue that comes with the package
    shown      what of it may be shown

Everything that is made here is a value; to follow changes, load again.
"""

from __future__ import annotations

from hexapla.config.load import assemble, find_config, load_config, parse_config
from hexapla.config.packaged import (
    PACK,
    builtin_models,
    builtin_providers,
    model_table,
    packaged_table,
    packaged_texts,
    user_table,
)
from hexapla.config.settings import (
    SCENARIOS,
    Config,
    Key,
    LedgerConfig,
    Limits,
    Loaded,
    LocalConfig,
    LogConfig,
    RoutingConfig,
    ServerConfig,
)

__all__ = [
    "PACK",
    "SCENARIOS",
    "Config",
    "Key",
    "LedgerConfig",
    "Limits",
    "Loaded",
    "LocalConfig",
    "LogConfig",
    "RoutingConfig",
    "ServerConfig",
    "assemble",
    "builtin_models",
    "builtin_providers",
    "find_config",
    "load_config",
    "model_table",
    "packaged_table",
    "packaged_texts",
    "parse_config",
    "user_table",
]
