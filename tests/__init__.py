"""The tests, and in this folder what they share; `ROOT` is the project's own folder."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
