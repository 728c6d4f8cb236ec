"""Escape untrusted text for GitHub Markdown.

A pull request's run writes its own report, so a fork decides what is in it. A character without
width breaks whatever GitHub would act on or load; tables, folds and words stay as they are.
"""

from __future__ import annotations

import re

from contract.console import UNSEEN

BREAK = "\u200b"  # of no width, and no part of any tag, name, link or address
LIMIT = 65_536  # characters that GitHub allows in a comment

ACTIVE = re.compile(
    r"<(?=[a-zA-Z/!?])(?!/?(?:details|summary|br|b|sub|sup)>)"  # HTML, but for folds and emphasis
    r"|&(?!(?:amp|lt|gt|quot|nbsp);)(?=[#a-zA-Z])"  # what decodes to any of the others
    r"|@(?=\w)"  # mentions and addresses
    r"|#(?=\d)|GH-(?=\d)"  # references, which show up in what they refer to
    r"|!(?=\[)"  # images, which can change after they were read
    r"|\](?=[(:\[])"  # links whose text says something else
    r"|(?:https?|ftp|mailto|xmpp)(?=:)|www(?=\.)"  # addresses that become links by themselves
    r"|^[ \t]*(?=/\w)",  # commands to other bots
    re.MULTILINE | re.IGNORECASE,
)


def neutral(text: str) -> str:
    """Return the text with nothing in it that GitHub notifies, links, loads or hides."""
    return ACTIVE.sub(rf"\g<0>{BREAK}", UNSEEN.sub("", text))


def bounded(text: str, note: str, limit: int = LIMIT) -> str:
    """Return the text, or, if it is too long, `note` and whole lines from its beginning.

    The note comes first, as the cut may be inside a fold or a block of code. Lengths are bytes of
    UTF-8, of which a text has at least as many as of anything that GitHub may count.
    """
    if len(text.encode()) <= limit:
        return text
    room = limit - len(note.encode())
    kept = text.encode()[:room].decode(errors="ignore")
    return note + kept[: kept.rfind("\n") + 1]
