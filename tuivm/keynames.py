"""Keys as people write them."""

from __future__ import annotations

_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "asterisk": "*",
    "exclamation_mark": "!",
    "percent_sign": "%",
    "minus": "-",
    "plus": "+",
    "backslash": "\\",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "delete": "del",
}


def key_name(key: str) -> str:
    """Textual's name of a key -> what stands on it: "question_mark" -> "?", "ctrl+p" -> "^p"."""
    if key.startswith("ctrl+"):
        return f"^{key_name(key.removeprefix('ctrl+'))}"
    return _NAMES.get(key, key)
