"""The prompt of a device: learnt at login, and known again in the forms that it takes within its configuration. Pure."""

from __future__ import annotations

import re

_LOOKS = re.compile(r"\S(?:[^\n]{0,118}\S)?\s?[>#$%]")
_NAME_ALONE = re.compile(r"(?=[^\n]{0,40}[A-Za-z])[\w.@:~/-]{1,80}(?: ?\([^()\n]{1,80}\)){0,2} ?[>#$%]")
_PARTS = re.compile(r"(?P<name>[^\n]*?)(?P<where>(?:\s?\([^()\n]{1,80}\))*)\s?(?P<mark>[>#$%])")
SHORTENED_TO = 20
"""IOS shows no more of a name than this in its configuration."""


def looks_like_prompt(line: str) -> bool:
    """Tell whether a line ends as prompts do: at login, where the name is not known yet."""
    return _LOOKS.fullmatch(line) is not None


def is_plain(line: str) -> bool:
    """Tell whether a line is a name with a prompt's mark and nothing else: what a changed prompt looks like."""
    return _NAME_ALONE.fullmatch(line) is not None


class Prompt:
    """The prompt of one session."""

    def __init__(self, line: str) -> None:
        """Learn it from what is shown where nothing is being configured."""
        found = _PARTS.fullmatch(line)
        if found is None:
            raise ValueError(f"{line} is no prompt")
        self.line = line
        self.mark = found["mark"]
        name = found["name"]
        short = name[:SHORTENED_TO]
        within = r"(?:\s?\([^()\n]{1,120}\)){1,2}"
        # In its configuration, RouterOS and others put the place behind the name without parentheses.
        path = r"(?:\s?/[\w /-]{1,80})?"
        forms = rf"(?:{re.escape(name)}(?:{within})?{path}|{re.escape(short)}{within})\s?[>#$%]"
        self._forms = re.compile(forms)
        self._before = re.compile(rf"(?:{forms})?\s*")
        self._begins = re.compile(rf"{forms}(?=$|[\s*%])")

    def is_shown(self, line: str) -> bool:
        """Tell whether a line is the prompt, in any of its forms."""
        return self._forms.fullmatch(line) is not None

    def stands_before(self, text: str) -> bool:
        """Tell whether nothing but the prompt stands before what was typed."""
        return self._before.fullmatch(text) is not None

    def begins(self, line: str) -> bool:
        """Tell whether a line begins with the prompt, and with a message behind it or with nothing."""
        return self._begins.match(line) is not None
