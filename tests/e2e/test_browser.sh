#!/bin/bash
# The pages in a real browser: no error, nothing fetched, every curve and bar drawn, nothing wider than the window, text
# that can be read in light and in dark.
. "$(dirname "$0")/support.sh"
browser=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$browser" ]; then
  echo "skipped: chromium is not installed"
  exit 77
fi

expect 0 '' "$tinycnn" train --model lenet5 --data shapes --epochs 2 --quiet --out 'a run with a name that is long & <odd>'
expect 0 '' "$tinycnn" train --model lenet5 --data shapes --epochs 1 --quiet --out b
expect 0 '' "$tinycnn" report 'a run with a name that is long & <odd>' b --out report.html
expect 0 '' "$tinycnn" shift-test --checkpoint b/last.safetensors --pictures 50 --out shift.html

# The probe looks at a copy of the page from within and writes what it finds into the title.
cat >probe.html <<'PROBE'
<script>
const say = [];
// Relative luminance and contrast, WCAG 2.1.
const luminance = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const color = text => { const n = text.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
function ground(element) {
  let over = [];
  for (let e = element; e; e = e.parentElement) over.push(color(getComputedStyle(e).backgroundColor));
  let c = matchMedia('(prefers-color-scheme: dark)').matches ? [22, 24, 28] : [255, 255, 255];
  for (const layer of over.reverse()) c = c.map((v, i) => (1 - layer[3]) * v + layer[3] * layer[i]);
  return c;
}
function contrast(element, ink) {
  const a = luminance(color(ink)), b = luminance(ground(element));
  return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}
for (const e of document.querySelectorAll('p, th, td, h1, h2, h3, caption, li, pre, summary'))
  if (contrast(e, getComputedStyle(e).color) < 4.5) { say.push('contrast of ' + e.outerHTML.slice(0, 60)); break; }
for (const e of document.querySelectorAll('svg text'))
  if (contrast(e, getComputedStyle(e).fill) < 4.5) { say.push('contrast of ' + e.outerHTML.slice(0, 60)); break; }
const svgs = document.querySelectorAll('svg.chart');
for (const svg of svgs) {
  const curves = svg.querySelectorAll('path.curve, rect');
  if (!curves.length) say.push('empty chart ' + svg.getAttribute('aria-label'));
  for (const e of curves) { const b = e.getBBox(); if (b.width === 0 && e.tagName === 'rect') say.push('a bar without width'); }
  let drawn = 0;
  for (const e of svg.querySelectorAll('path, rect, circle')) { const b = e.getBBox(); drawn += b.width * b.height > 0; }
  if (!drawn) say.push('nothing drawn in ' + svg.getAttribute('aria-label'));
  const frame = svg.getBoundingClientRect();
  for (const e of svg.querySelectorAll('text')) {
    const b = e.getBoundingClientRect();
    if (b.left < frame.left - 1 || b.right > frame.right + 1 || b.bottom > frame.bottom + 1)
      say.push('text outside of its chart: ' + e.textContent);
  }
}
if (document.documentElement.scrollWidth > innerWidth) say.push('wider than the window: ' + document.documentElement.scrollWidth);
for (const e of document.images) if (!e.alt || !e.complete || !e.naturalWidth) say.push('a picture without text or pixels');
let level = 0;
for (const e of document.querySelectorAll('h1, h2, h3')) { const n = +e.tagName[1]; if (n > level + 1) say.push('heading ' + e.textContent); level = n; }
if (performance.getEntriesByType('resource').some(r => !r.name.startsWith('data:'))) say.push('something was fetched');
document.title = 'PROBE ' + svgs.length + ' charts: ' + (say.join('; ') || 'fine');
</script>
PROBE
# look PAGE WIDTH CHARTS [FLAG]
look() {
  sed '/<\/body>/e cat probe.html' "$1" >probed.html
  timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --enable-logging=stderr --v=0 \
    --user-data-dir="$work/browser" --window-size="$2,1200" ${4:+"$4"} --virtual-time-budget=2000 \
    --dump-dom "file://$work/probed.html" >dom.html 2>browser.txt || fail "the browser: $(tail -3 browser.txt)"
  grep -q "<title>PROBE $3 charts: fine</title>" dom.html || fail "$*: $(grep -o '<title>.*</title>' dom.html)"
  if grep -q 'CONSOLE' browser.txt; then fail "$*: $(grep CONSOLE browser.txt)"; fi
}
for width in 1280 390; do
  look report.html "$width" 9
  look report.html "$width" 9 --blink-settings=preferredColorScheme=0
  look shift.html "$width" 6
done
