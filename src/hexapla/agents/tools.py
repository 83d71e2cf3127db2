"""The programs that Hexapla can start and connect."""

from __future__ import annotations

from hexapla.agents import aider, claude_code, codex, gemini_cli, opencode
from hexapla.agents.tool import Tool

TOOLS: dict[str, Tool] = {
    each.name: each for each in (claude_code.TOOL, codex.TOOL, gemini_cli.TOOL, opencode.TOOL, aider.TOOL)
}
