"""Bending a request into the shape that a target takes, IR to IR, before it is rendered.

Each module bends one thing and says what it cost; `restore.py` bends the answer back.
"""
