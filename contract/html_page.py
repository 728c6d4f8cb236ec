"""A self-contained page: style and parts that the reports share."""

# ruff: noqa: E501 - lines of CSS
from __future__ import annotations

from collections.abc import Sequence
from html import escape

STYLE = """\
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1c2330; --soft: #667085; --rule: #e3e7ee;
  --right: #3b5bdb; --wrong: #e8590c; --good: #2b8a3e; --bad: #c92a2a; --on: #fff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --card: #1b2029; --ink: #e6e9ef; --soft: #98a2b3; --rule: #2b323e;
    --right: #7b95ff; --wrong: #ff8a4c; --good: #51cf66; --bad: #ff6b6b; --on: #0d1017;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 32px 20px 64px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 10px; }
h1 { margin: 0; font-size: 28px; letter-spacing: -.02em; }
h2 { margin: 0 0 12px; font-size: 16px; }
.lead { margin: 6px 0 20px; color: var(--soft); }
.badge { padding: 2px 10px; border: 1px solid var(--rule); border-radius: 99px; font-size: 13px; color: var(--soft); }
.badge.passed { color: var(--good); border-color: currentColor; }
.badge.failed { color: var(--bad); border-color: currentColor; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px; margin-bottom: 12px; }
.tile, section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.tile { padding: 14px 16px; overflow-wrap: anywhere; }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile small { display: block; color: var(--good); }
.tile.failed small { color: var(--bad); }
section { padding: 18px 20px; margin-bottom: 12px; }
.plots { display: flex; flex-wrap: wrap; gap: 24px 16px; align-items: flex-end; justify-content: space-between; }
figure { margin: 0; max-width: 100%; flex: 0 1 440px; }
figcaption { margin-top: 8px; color: var(--soft); font-size: 13px; }
figcaption i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; }
i.right { background: var(--right); } i.wrong { background: var(--wrong); }
svg { max-width: 100%; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .on { fill: var(--on); font-weight: 600; }
svg .right { fill: var(--right); } svg .wrong { fill: var(--wrong); }
.grid { stroke: var(--rule); } .axis { stroke: var(--soft); }
.line { stroke: var(--soft); stroke-dasharray: 4 4; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { text-align: left; color: var(--soft); font-weight: 500; }
th, td { padding: 6px 12px 6px 0; border-top: 1px solid var(--rule); vertical-align: top; }
td:last-child { min-width: 220px; overflow-wrap: break-word; }
thead th, table:not(:has(thead)) tr:first-child td { border-top: 0; }
.numbers td { white-space: nowrap; font-variant-numeric: tabular-nums; }
.numbers td:last-child { white-space: normal; }
td:nth-last-child(2) { min-width: 110px; }
td:first-child { white-space: nowrap; }
.tile small.note { color: var(--soft); }
.series0 { --c: var(--right); } .series1 { --c: var(--wrong); } .series2 { --c: var(--good); }
.series3 { --c: #ae3ec9; } .series4 { --c: #0c8599; } .series5 { --c: #f08c00; }
path[class^=series] { fill: none; stroke: var(--c); stroke-width: 2; }
path.old { stroke-dasharray: 5 4; opacity: .65; }
rect[class^=series], circle[class^=series], i[class^=series] { fill: var(--c); background: var(--c); }
.zero { stroke: var(--soft); }
.warning { border-left: 4px solid var(--wrong); padding: 8px 14px; margin: 0 0 12px; background: var(--card); }
td.bad { color: var(--bad); font-weight: 600; } td.good { color: var(--good); }
"""


def page(title: str, body: Sequence[str]) -> str:
    """Return HTML that needs nothing else, in light and dark."""
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
    )
    return f"{head}<body><main>{''.join(body)}</main></body></html>\n"


def badge(content: str, kind: str = "") -> str:
    return f'<span class="badge {kind}">{content}</span>'


def section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def figure(image: str, caption: str) -> str:
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def plots(figures: Sequence[str]) -> str:
    return f'<div class="plots">{"".join(figures)}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = "".join(
        f"<tr>{''.join(f'<td{tone(cell)}>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in rows
    )
    style = ' class="numbers"' if numbers else ""
    header = f"<thead><tr>{titles}</tr></thead>" if head else ""
    return f'<div class="scroll"><table{style}>{header}<tbody>{lines}</tbody></table></div>'


def tone(cell: str) -> str:
    """Colour what a reader looks for first."""
    if cell.startswith(("FAILED", "▼")):
        return ' class="bad"'
    return ' class="good"' if cell.startswith("▲") else ""
