"""Framing and raw JSON: bytes in, frames out.  Pure, and ignorant of any dialect."""
