"""How a report looks and the few lines of script that move its slider; no content."""

from __future__ import annotations

STYLE = """
:root { --ink: #1d2530; --soft: #5b6673; --rule: #dfe4e9; --accent: #2c6ba8; --paper: #ffffff; --ground: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 1240px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1, h2 { line-height: 1.25; overflow-wrap: anywhere; margin: 0; }
h1 { font-size: 1.7rem; }
h2 { font-size: 1.25rem; }
h3 { font-size: .95rem; margin: 0 0 4px; font-weight: 600; }
p { margin: 6px 0; }
.soft, figcaption, footer { color: var(--soft); font-size: .875rem; }
article, .summary { background: var(--paper); border: 1px solid var(--rule); border-radius: 10px;
  padding: 20px; margin: 20px 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .925rem; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--rule); text-align: right; }
td { white-space: nowrap; }
th { font-weight: 600; }
th small { display: block; font-weight: 400; color: var(--soft); }
th:first-child, td:first-child, td.unit { text-align: left; }
td.unit { color: var(--soft); }
tbody th { font-weight: 400; text-align: left; }
.summary table { width: 100%; }
.summary tbody th { overflow-wrap: anywhere; min-width: 11em; }
a { color: var(--accent); }
.top { display: grid; grid-template-columns: minmax(0, 1.7fr) minmax(0, 1fr); gap: 28px; margin-top: 16px;
  align-items: start; }
.top table { width: 100%; max-width: 480px; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 18px; margin-top: 20px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr)); gap: 22px;
  margin-top: 24px; }
.charts > div { max-width: 500px; }
figure { margin: 0; }
img { display: block; width: min(100%, calc(72vh * var(--aspect))); aspect-ratio: var(--aspect);
  background: var(--rule); border-radius: 4px; }
img.small { image-rendering: pixelated; }
.pictures img { width: min(100%, calc(60vh * var(--aspect))); }
figcaption { margin-top: 6px; }
.scale { display: flex; align-items: center; gap: 8px; margin-top: 4px; }
.scale i { flex: 1; max-width: 160px; height: 10px; border-radius: 2px; }
.compare .stack { position: relative; width: min(100%, calc(72vh * var(--aspect))); touch-action: pan-y;
  cursor: ew-resize; user-select: none; overflow: hidden; border-radius: 4px; }
.compare img { width: 100%; border-radius: 0; }
.compare .over { position: absolute; inset: 0; clip-path: inset(0 calc(100% - var(--x)) 0 0); }
.compare .stack::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--x); width: 2px;
  margin-left: -1px; background: #fff; box-shadow: 0 0 3px #000; }
.compare label { display: flex; align-items: center; gap: 10px; margin-top: 8px; color: var(--soft);
  font-size: .875rem; max-width: calc(72vh * var(--aspect)); min-width: min(100%, 260px); }
.compare input { flex: 1; min-width: 0; accent-color: var(--accent); }
.chart { display: block; overflow: visible; width: 100%; height: auto; font-size: 13px; fill: var(--soft); }
.chart .grid { stroke: var(--rule); fill: none; }
.chart .tick { stroke: #9aa5b1; fill: none; }
.chart .line { stroke: var(--accent); stroke-width: 2; fill: none; stroke-linejoin: round; }
.chart .dot, .chart .bar { fill: var(--accent); }
.chart .exact { fill: #9cbfe0; }
.chart .value { fill: var(--ink); font-size: 12px; }
details { margin-top: 16px; }
summary { cursor: pointer; color: var(--accent); font-size: .925rem; }
details .wide { max-height: 420px; overflow: auto; margin-top: 8px; }
footer { padding-bottom: 36px; }
pre { background: var(--paper); border: 1px solid var(--rule); border-radius: 6px; padding: 10px 12px;
  color: var(--ink); overflow-x: auto; margin: 6px 0 10px; }
@media (max-width: 760px) {
  header, main, footer { padding-left: 12px; padding-right: 12px; }
  article, .summary { padding: 14px; }
  .top { grid-template-columns: minmax(0, 1fr); }
  .pictures { grid-template-columns: repeat(auto-fit, minmax(40%, 1fr)); gap: 12px; }
}
"""

# The slider copies the pictures that are on the page already, so that each is in the file once; without
# script it stays hidden and nothing else is lost.
SCRIPT = """
for (const box of document.querySelectorAll(".compare")) {
  const article = box.closest("article");
  const stack = box.querySelector(".stack");
  const range = box.querySelector("input");
  for (const name of ["decoded", "original"]) {
    const copy = article.querySelector("." + name + " img").cloneNode();
    copy.draggable = false;
    if (name === "original") { copy.classList.add("over"); copy.alt = ""; }
    stack.append(copy);
  }
  const show = () => box.style.setProperty("--x", range.value + "%");
  const drag = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const area = stack.getBoundingClientRect();
    range.value = 100 * (event.clientX - area.left) / area.width;
    show();
  };
  range.addEventListener("input", show);
  stack.addEventListener("pointerdown", drag);
  stack.addEventListener("pointermove", drag);
  show();
  box.hidden = false;
}
"""
