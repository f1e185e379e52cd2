"""A recorded comparison as JSON, CSV, Markdown and a picture. Pure: text in, text out."""

from tuivm.reports.checks import DocumentError
from tuivm.reports.document import from_json, to_json
from tuivm.reports.svg import to_svg
from tuivm.reports.tables import to_csv, to_markdown

__all__ = ["DocumentError", "from_json", "to_csv", "to_json", "to_markdown", "to_svg"]
