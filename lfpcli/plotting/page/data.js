// Numbers that the page holds: blocks of base64, decoded when they are first looked at.
const facts = JSON.parse(document.getElementById("facts").textContent);
const decoded = new Map();

function block(name, Type) {
  if (!decoded.has(name)) {
    const element = document.getElementById(name);
    const text = atob(element.textContent);
    const bytes = new Uint8Array(text.length);
    for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
    element.remove();
    decoded.set(name, new Type(bytes.buffer));
  }
  return decoded.get(name);
}

// The coarsest level of which a pixel still holds a whole stretch; of few samples the finest.
function levelFor(track, msPerPixel) {
  let best = track.levels[0];
  for (const level of track.levels) if (level.step * track.dt <= msPerPixel) best = level;
  return best;
}

// Lowest and highest value of a channel between two samples of the recording; null where there are none.
function range(track, level, channel, first, last) {
  const data = block(level.block, Int16Array), width = level.width;
  const from = Math.max(Math.floor(first / level.step), 0);
  const to = Math.min(Math.max(Math.ceil(last / level.step), from + 1), level.count);
  if (from >= to) return null;
  let low = Infinity, high = -Infinity;
  const base = channel * level.count * width;
  for (let k = base + from * width; k < base + to * width; k++) {
    if (data[k] < low) low = data[k];
    if (data[k] > high) high = data[k];
  }
  const scale = track.scales[channel], centre = track.centres[channel];
  return [centre + scale * low, centre + scale * high];
}

function rowsOf(track, time) { return (time - track.start) / track.dt; }

function readable(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

function timeText(ms, span) {
  if (facts.stop - facts.start > 10000) return (ms / 1000).toFixed(span > 10000 ? 1 : span > 100 ? 3 : 5) + " s";
  return ms.toFixed(span > 1000 ? 0 : span > 50 ? 1 : span > 5 ? 2 : 4) + " ms";
}
