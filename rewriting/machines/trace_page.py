"""A run as one self-contained page: every step in a table, and the stacks of one step drawn beside it.

The page loads nothing from elsewhere.  Without scripts it is the table; with them, buttons and arrow keys walk through the steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold one step as text: the rule, the program after it, the stacks (bottom first), and what waits, next first."""

    number: int
    rule: str
    program: str
    stacks: tuple[tuple[str, tuple[str, ...]], ...]
    waiting: tuple[str, ...] = ()
    note: str = ""


def functional_frames(trace: Iterable[Any]) -> list[Frame]:
    """Return the frames of a trace of the functional machine, see :class:`symnum.rewriting.machines.fmc.machine.Trace`."""
    from symnum.rewriting.machines.fmc.memory import shown
    from symnum.rewriting.machines.fmc.writing import to_text

    return [
        Frame(
            state.number,
            state.rule,
            to_text(state.term, limit=300),
            tuple(
                [
                    (a, tuple([to_text(shown(v), limit=60) for v in stack]))
                    for a, stack in sorted(state.memory.items())
                ]
            ),
            tuple([f"{label} → {to_text(then, limit=100)}" for label, then in state.continuation]),
        )
        for state in trace
    ]


def relational_frames(trace: Iterable[Any]) -> list[Frame]:
    """Return the frames of a trace of the relational machine, see :class:`symnum.rewriting.machines.rmc.tracing.Trace`."""
    from symnum.rewriting.machines.rmc.printer import format as written

    frames = []
    for step in trace:
        known = ", ".join([f"{name} = {written(value)}" for name, value in step.unknowns])
        outcome = (
            f"fails: {step.failure}" if step.failure else f"{step.branches} ways" if step.branches > 1 else ""
        )
        frames.append(
            Frame(
                step.number,
                step.rule,
                written(step.program),
                tuple([(a, tuple([written(v) for v in stack])) for a, stack in step.memory]),
                tuple([written(p) for p in step.continuation]),
                "; ".join([part for part in (known, outcome) if part]),
            )
        )
    return frames


def trace_page(title: str, source: str, frames: Sequence[Frame], result: str) -> str:
    """Return the page of a run as HTML text.

    >>> page = trace_page("a run", "[2]", [Frame(0, "", "[2]", ()), Frame(1, "push", "⋆", (("λ", ("2",)),))], "λ = 2")
    >>> page.count("<tr "), "http" in page
    (2, False)
    """
    rows = "\n".join(_row(frame) for frame in frames)
    return _PAGE.format(
        title=escape(title),
        source=escape(source.strip()),
        result=escape(result),
        rows=rows,
        last=max(len(frames) - 1, 0),
    )


def _row(frame: Frame) -> str:
    stacks = "".join(
        f'<div class="stack"><div class="cells">{"".join(f"<span>{escape(v)}</span>" for v in stack)}</div><b>{escape(location)}</b></div>'
        for location, stack in frame.stacks
        if stack
    )
    waiting = "".join(f"<li>{escape(part)}</li>" for part in frame.waiting)
    note = f'<div class="note">{escape(frame.note)}</div>' if frame.note else ""
    return (
        f'<tr id="step{frame.number}"><td>{frame.number}</td><td class="rule {escape(frame.rule)}">{escape(frame.rule)}</td>'
        f'<td><code>{escape(frame.program)}</code>{note}</td><td class="memory">{stacks}</td>'
        f'<td class="waiting"><ol>{waiting}</ol></td></tr>'
    )


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; max-width: 1200px; margin: 2em auto; padding: 0 1em; }}
pre, code {{ font-family: ui-monospace, "DejaVu Sans Mono", monospace; }}
pre {{ background: #f4f6f8; padding: .7em 1em; overflow-x: auto; }}
#view {{ position: sticky; top: 0; background: #fff; border-bottom: 1px solid #cfd6dd; padding: .6em 0; min-height: 7.5em; }}
#view .stack .cells {{ max-height: 11em; }}
button {{ font: inherit; padding: .1em .8em; }}
input[type=range] {{ width: 40%; vertical-align: middle; }}
table {{ border-collapse: collapse; width: 100%; }}
th {{ text-align: left; }}
td, th {{ border-bottom: 1px solid #e3e7eb; padding: .25em .6em; vertical-align: bottom; }}
tr.now {{ background: #fff6d6; }}
tbody tr {{ cursor: pointer; }}
td.rule {{ color: #0b6e4f; font-weight: 600; }}
.stack {{ display: inline-block; vertical-align: bottom; text-align: center; margin-right: .8em; }}
.cells {{ display: flex; flex-direction: column-reverse; border: 1px solid #9fb3c8; border-top: 0; min-width: 2.4em; overflow-y: auto; }}
.cells span {{ border-top: 1px solid #9fb3c8; padding: 0 .4em; font-family: ui-monospace, monospace; background: #e9f1fb; }}
.waiting ol {{ margin: 0; padding-left: 1.2em; font-family: ui-monospace, monospace; font-size: 90%; }}
.note {{ color: #8a3b12; }}
</style>
</head>
<body>
<h1>{title}</h1>
<pre>{source}</pre>
<p><b>Result:</b> <code>{result}</code></p>
<div id="view" hidden>
<button id="back" title="left arrow">◀</button>
<input id="at" type="range" min="0" max="{last}" value="0" aria-label="step">
<button id="next" title="right arrow">▶</button>
<div id="now"></div>
</div>
<table>
<thead><tr><th>step</th><th>rule</th><th>program</th><th>stacks, the top above</th><th>then</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<script>
const rows = [...document.querySelectorAll("tbody tr")], at = document.getElementById("at"), now = document.getElementById("now");
function show(k) {{
  k = Math.max(0, Math.min(rows.length - 1, k));
  at.value = k;
  rows.forEach((row, i) => row.classList.toggle("now", i === k));
  const cells = rows[k].cells;
  now.replaceChildren();
  for (const [name, cell] of [["", cells[2]], ["", cells[3]], ["then", cells[4]]]) {{
    const part = document.createElement("div");
    part.className = cell.className;
    part.append(...[...cell.childNodes].map(n => n.cloneNode(true)));
    if (part.textContent) now.append(name && "then ", part);
  }}
}}
rows.forEach((row, i) => row.addEventListener("click", () => show(i)));
document.getElementById("back").onclick = () => show(+at.value - 1);
document.getElementById("next").onclick = () => show(+at.value + 1);
at.oninput = () => show(+at.value);
document.addEventListener("keydown", e => {{
  if (e.target !== at && (e.key === "ArrowRight" || e.key === "ArrowLeft")) show(+at.value + (e.key === "ArrowRight" ? 1 : -1));
}});
if (rows.length) {{ document.getElementById("view").hidden = false; show(0); }}
</script>
</body>
</html>
"""
