"""What argparse complains of (its own messages are English: Lib/argparse.py, 3.11 to 3.14), and parser.py through it."""

from __future__ import annotations

from hexapla.chinese import translator

COMPLAINTS: tuple[tuple[str, str], ...] = (
    ("argument {}: {}", "参数 {0}：{1}"),
    ("invalid choice: {} (choose from {})", "{0} 不在可选值之中：{1}"),
    ("the following arguments are required: {}", "缺少参数：{0}"),
    ("unrecognized arguments: {}", "不认识的参数：{0}"),
    ("expected one argument", "需要一个值"),
    ("expected at least one argument", "至少需要一个值"),
    ("expected at most one argument", "最多一个值"),
    ("expected {} arguments", "需要 {0} 个值"),
    ("expected {} argument", "需要 {0} 个值"),
    ("invalid int value: {}", "{0} 不是整数"),
    ("invalid number value: {}", "{0} 不是数字"),
    ("must be {} or more, not {}", "应不小于 {0}，而不是 {1}"),
    ("must begin with http:// or https://, not {}", "应以 http:// 或 https:// 开头，而不是 {0}"),
    ("ambiguous option: {} could match {}", "{0} 不明确，可能是 {1}"),
    ("ignored explicit argument {}", "此选项不带值：{0}"),
    ("not allowed with argument {}", "不能与 {0} 同用"),
)

complaint = translator(COMPLAINTS)
"""A complaint in Chinese; one that is not known stays as it is."""
