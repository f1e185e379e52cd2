"""A run of the Lab as JSON, Markdown and a picture. Pure: text in, text out."""

from tuivm.reports.checks import DocumentError
from tuivm.reports.labjson import lab_from_json, lab_to_json
from tuivm.reports.labsvg import lab_to_svg
from tuivm.reports.labtables import lab_to_markdown, runs_to_markdown

__all__ = [
    "DocumentError",
    "lab_from_json",
    "lab_to_json",
    "lab_to_markdown",
    "lab_to_svg",
    "runs_to_markdown",
]
