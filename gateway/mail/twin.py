"""Makes of one mail in words its two bodies: plain text, and the HTML twin in the one layout.

A template knows three signs, each on a line of its own: `## Heading`, `- entry of a list` and `[Label](url)`, a button.
An entry may be a link, `- [Label](url)`.
What is filled in is never taken for a sign: `guarded` hides the characters that could be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

_SIGNS = "\n[]()#-"
_HIDE = {ord(sign): 0xE000 + number for number, sign in enumerate(_SIGNS)}
_SHOW = {hidden: sign for sign, hidden in zip(_SIGNS, _HIDE.values(), strict=True)}
_UNUSABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000-\ue0ff]")
_BUTTON = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_WEB = re.compile(r"https?://[^\s\"<>]+")


@dataclass(frozen=True, slots=True)
class Twin:
    """The two bodies."""

    text: str
    html: str


def guarded(value: object) -> str:
    """A value as it may be filled into a template; `bare` or `make_twin` give it back."""
    text = re.sub(r"\r\n|[\r\x85\u2028\u2029]", "\n", str(value))
    return _UNUSABLE.sub("", text).translate(_HIDE)


def bare(text: str) -> str:
    """The text with what `guarded` hid."""
    return text.translate(_SHOW)


def make_twin(source: str, language: str) -> Twin:
    """Both bodies of a rendered template. ValueError for a link that does not lead to a web page."""
    texts, parts, entries = [], [], list[str]()
    for block in re.split(r"\n\s*\n", source.strip("\n")):
        lines = [line.rstrip() for line in block.split("\n") if line.strip()]
        texts.append("\n".join(_as_text(line) for line in lines))
        words: list[str] = []
        for line in lines:
            if line.startswith("- "):
                parts += _paragraph(words)
                entries.append(line[2:])
                continue
            parts += _list(entries)
            if line.startswith("## "):
                parts += [*_paragraph(words), f"<h2 {_HEADING}>{_as_html(line[3:])}</h2>"]
            elif button := _BUTTON.fullmatch(line):
                parts += [*_paragraph(words), _button(_as_html(button[1]), bare(button[2]))]
            else:
                words.append(_as_html(line))
        parts += _list(entries) + _paragraph(words)
    body = "\n".join(parts)
    return Twin("\n\n".join(texts) + "\n", _LAYOUT.format(language=language, body=body))


# Mail programs know no style sheets, so each element carries its own.
_HEADING = 'style="font-size:17px;margin:24px 0 8px"'
_LAYOUT = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title></title></head>
<body style="margin:0;background:#f4f6f5;color:#17221f;font:16px/1.55 system-ui,Helvetica,Arial,sans-serif">
<div style="max-width:560px;margin:0 auto;padding:32px 24px;background:#ffffff">
{body}
</div>
</body>
</html>
"""


def _as_text(line: str) -> str:
    if button := _BUTTON.fullmatch(line):
        return bare(f"{button[1]}{'' if button[1][-1] in '.!?' else ':'}\n{button[2]}")
    if line.startswith("- ") and (link := _BUTTON.fullmatch(line[2:])):
        return bare(f"- {link[1]}: {link[2]}")
    if line.startswith("## "):
        title = bare(line[3:])
        return f"{title}\n{'-' * len(title)}"
    return bare(line)


def _as_html(line: str) -> str:
    return escape(bare(line)).replace("\n", "<br>")


def _paragraph(words: list[str]) -> list[str]:
    made = [f'<p style="margin:0 0 16px">{" ".join(words)}</p>'] if words else []
    words.clear()
    return made


def _list(entries: list[str]) -> list[str]:
    items = "".join(f"<li>{_entry(entry)}</li>" for entry in entries)
    entries.clear()
    return [f'<ul style="margin:0 0 16px;padding-left:20px">{items}</ul>'] if items else []


def _entry(entry: str) -> str:
    link = _BUTTON.fullmatch(entry)
    return f'<a href="{_address(bare(link[2]))}">{_as_html(link[1])}</a>' if link else _as_html(entry)


def _address(url: str) -> str:
    if not _WEB.fullmatch(url):
        raise ValueError(f"a link of a mail leads to a web page, not to {url!r}")
    return escape(url)


def _button(label: str, url: str) -> str:
    style = "display:inline-block;padding:12px 20px;border-radius:12px;background:#0d5c56;color:#ffffff"
    return f'<p style="margin:0 0 16px"><a href="{_address(url)}" style="{style};text-decoration:none">{label}</a></p>'
