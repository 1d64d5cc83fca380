// Panels of time: images and traces of sampled channels, and rasters.
const LEFT = 68, RIGHT = 86, TOP = 4, AXIS = 30;
const view = { start: facts.start, stop: facts.stop, cursor: null };

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim(); }

// A canvas as sharp as the screen, cleared; its context counts in CSS pixels.
function sheet(canvas, height) {
  if (height) canvas.style.height = height + "px";
  const ratio = Math.max(window.devicePixelRatio || 1, printing ? 2 : 1);
  const width = canvas.clientWidth, high = height || canvas.clientHeight;
  canvas.width = Math.max(Math.round(width * ratio), 1);
  canvas.height = Math.max(Math.round(high * ratio), 1);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  pen.fillStyle = colour("ink");
  return { pen, width, height: high, ratio };
}

function niceStep(target) {
  const power = 10 ** Math.floor(Math.log10(target));
  return [1, 2, 5, 10].map(k => k * power).find(step => step >= target * (1 - 1e-9));
}

function plotWidth(width) { return Math.max(width - LEFT - RIGHT, 10); }
function xOf(time, width) { return LEFT + (time - view.start) / (view.stop - view.start) * plotWidth(width); }
function timeAt(x, width) { return view.start + (x - LEFT) / plotWidth(width) * (view.stop - view.start); }

function timeAxis(pen, width, y) {
  const span = view.stop - view.start, step = niceStep(span / Math.max(plotWidth(width) / 90, 2));
  const inSeconds = facts.stop - facts.start > 10000;
  const factor = inSeconds ? 1e-3 : 1, digits = Math.max(0, -Math.floor(Math.log10(step * factor) + 1e-9));
  pen.strokeStyle = pen.fillStyle = colour("ink");
  pen.lineWidth = 1;
  pen.textAlign = "center"; pen.textBaseline = "top";
  pen.beginPath();
  pen.moveTo(LEFT, y + 0.5); pen.lineTo(width - RIGHT, y + 0.5);
  for (let t = Math.ceil(view.start / step - 1e-9) * step; t <= view.stop + 1e-9 * span; t += step) {
    const x = Math.round(xOf(t, width)) + 0.5;
    pen.moveTo(x, y); pen.lineTo(x, y + 4);
    pen.fillText((t * factor).toFixed(digits), x, y + 6);
  }
  pen.stroke();
  pen.textAlign = "left";
  pen.fillText(inSeconds ? "time (s)" : "time (ms)", width - RIGHT + 26, y + 6);
}

// Colours of ink on light paper, brighter on dark.
function inkOf(hex) {
  if (!hex) return colour("ink");
  if (!isDark()) return hex;
  const parts = [1, 3, 5].map(k => Math.round(0.62 * parseInt(hex.slice(k, k + 2), 16) + 0.38 * 255));
  return `rgb(${parts.join()})`;
}

// From blue through the paper to red; the ends differ in hue, the middle is zero.
const PALETTES = {
  light: [[5, 48, 97], [67, 147, 195], [247, 247, 247], [214, 96, 77], [103, 0, 31]],
  dark: [[166, 220, 255], [44, 123, 182], [22, 25, 29], [215, 90, 50], [255, 214, 160]],
};
function palette(dark) {
  const stops = PALETTES[dark ? "dark" : "light"], table = new Uint32Array(513);
  for (let k = 0; k < 513; k++) {
    const at = k / 128, low = Math.min(Math.floor(at), 3), part = at - low;
    const mix = [0, 1, 2].map(c => Math.round(stops[low][c] * (1 - part) + stops[low + 1][c] * part));
    table[k] = (255 << 24 | mix[2] << 16 | mix[1] << 8 | mix[0]) >>> 0;
  }
  return table;
}

class Sampled {
  constructor(track) {
    this.track = track;
    this.first = 0; this.last = track.labels.length;
    this.gain = 1;
    this.asImage = track.mode === "image" || (track.mode === "auto" && this.last > 24);
  }
  get count() { return this.last - this.first; }
  height() { return this.asImage ? Math.min(Math.max(3 * this.count, 130), 340) : Math.min(Math.max(24 * this.count, 90), 420); }
  rowAt(y) { return Math.min(Math.max(this.first + Math.round((this.base - y) / this.each), this.first), this.last - 1); }
  // Where rows stand: the middle of the first one, and how far they are from each other, pixels.
  arrange(high) {
    const track = this.track;
    this.each = high / this.count;
    this.base = TOP + high - 0.5 * this.each;
    this.scale = 0;
    if (this.asImage) return;
    // as high as three quarters of the strongest trace; the outermost ones fit in
    const step = 0.75 * track.height || 1, up = Math.max(track.highs[this.last - 1], 0.3 * step), down = Math.min(track.lows[this.first], -0.3 * step);
    this.each = (high - 6) / (this.count - 1 + (up - down) / step);
    this.scale = this.each / step;
    this.base = TOP + high - 3 + down * this.scale;
  }
  zoomRows(factor, row) {
    const total = this.track.labels.length, count = Math.min(Math.max(Math.round(this.count * factor), 1), total);
    const share = (row - this.first + 0.5) / this.count;
    this.first = Math.min(Math.max(Math.round(row + 0.5 - share * count), 0), total - count);
    this.last = this.first + count;
    if (this.track.mode === "auto") this.asImage = count > 24;
  }
  moveRows(rows) {
    const count = this.count, total = this.track.labels.length;
    this.first = Math.min(Math.max(this.first + rows, 0), total - count);
    this.last = this.first + count;
  }
  reset() { this.first = 0; this.last = this.track.labels.length; this.gain = 1; if (this.track.mode === "auto") this.asImage = this.last > 24; }

  draw(sheet) {
    const { pen, width } = sheet, high = this.height();
    this.arrange(high);
    if (this.asImage) this.drawImage(sheet, high); else this.drawTraces(sheet, high);
    pen.fillStyle = colour("ink"); pen.textAlign = "right"; pen.textBaseline = "middle";
    const every = Math.max(1, Math.ceil(13 / this.each));
    for (let c = this.first + (every >> 1); c < this.last; c += every)
      pen.fillText(this.track.labels[c], LEFT - 6, this.base - (c - this.first) * this.each, LEFT - 18);
    pen.save();
    pen.translate(9, TOP + high / 2); pen.rotate(-Math.PI / 2); pen.textAlign = "center";
    pen.fillStyle = colour("faint"); pen.fillText(this.track.axis, 0, 0);
    pen.restore();
    timeAxis(pen, width, TOP + high + 2);
  }

  drawImage({ pen, width, ratio }, high) {
    const track = this.track, columns = Math.max(Math.round(plotWidth(width) * ratio), 1);
    const limit = track.limit / this.gain || 1, colours = palette(isDark());
    const perPixel = (view.stop - view.start) / columns, level = levelFor(track, perPixel);
    // the pointer moves far more often than the view
    const key = [view.start, view.stop, columns, this.first, this.last, limit, isDark()].join();
    if (this.key !== key) { this.key = key; this.picture = this.pixels(level, columns, perPixel, limit, colours); }
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.picture, LEFT, TOP, plotWidth(width), high);
    this.drawBar(pen, width - RIGHT + 10, high, limit, colours);
  }

  pixels(level, columns, perPixel, limit, colours) {
    const track = this.track;
    const image = new ImageData(columns, this.count), pixels = new Uint32Array(image.data.buffer);
    const bounds = new Float64Array(columns + 1);
    for (let k = 0; k <= columns; k++) bounds[k] = rowsOf(track, view.start + k * perPixel) + 0.5;
    for (let c = this.first; c < this.last; c++) {
      const row = (this.last - 1 - c) * columns;
      for (let k = 0; k < columns; k++) {
        if (bounds[k + 1] <= 0 || bounds[k] >= track.samples) continue;
        // a pixel between two samples shows the one before
        const first = Math.floor(bounds[k]), last = Math.max(Math.floor(bounds[k + 1]), first + 1);
        const values = range(track, level, c, first, last);
        if (!values) continue;
        const value = -values[0] > values[1] ? values[0] : values[1];
        pixels[row + k] = colours[Math.min(Math.max(Math.round(256 + 256 * value / limit), 0), 512)];
      }
    }
    const off = document.createElement("canvas");
    off.width = columns; off.height = this.count;
    off.getContext("2d").putImageData(image, 0, 0);
    return off;
  }

  drawBar(pen, x, high, limit, colours) {
    for (let y = 0; y < high; y++) {
      const c = colours[Math.round(512 * (1 - y / high))];
      pen.fillStyle = `rgb(${c & 255},${c >> 8 & 255},${c >> 16 & 255})`;
      pen.fillRect(x, TOP + y, 8, 1.5);
    }
    pen.fillStyle = colour("ink"); pen.textAlign = "left";
    const text = readable(Number((limit * this.track.factor).toPrecision(2)));
    pen.textBaseline = "top"; pen.fillText(text, x + 12, TOP);
    pen.textBaseline = "middle"; pen.fillText("0 " + this.track.unit, x + 12, TOP + high / 2);
    pen.textBaseline = "bottom"; pen.fillText("−" + text, x + 12, TOP + high);
  }

  drawTraces({ pen, width, ratio }, high) {
    const track = this.track, each = this.each, columns = Math.round(plotWidth(width));
    const perPixel = (view.stop - view.start) / columns, level = levelFor(track, perPixel / ratio);
    const scale = this.scale * this.gain;
    pen.save();
    pen.beginPath(); pen.rect(LEFT, TOP, plotWidth(width), high); pen.clip();
    pen.lineWidth = 1; pen.lineJoin = "round";
    for (let c = this.first; c < this.last; c++) {
      const middle = this.base - (c - this.first) * each, centre = track.centres[c];
      pen.strokeStyle = inkOf(track.colours && track.colours[c]);
      pen.beginPath();
      const y = value => middle - scale * (value - centre);
      if (level.width === 1 && level.step * track.dt > 0.5 * perPixel) {
        const from = Math.max(Math.floor(rowsOf(track, view.start)) - 1, 0);
        const to = Math.min(Math.ceil(rowsOf(track, view.stop)) + 2, track.samples);
        for (let k = from; k < to; k++) pen.lineTo(xOf(track.start + k * track.dt, width), y(range(track, level, c, k, k + 1)[0]));
      } else {
        for (let k = 0; k < columns; k++) {
          const from = rowsOf(track, view.start + k * perPixel) + 0.5, to = rowsOf(track, view.start + (k + 1) * perPixel) + 0.5;
          if (to <= 0 || from >= track.samples) continue;
          const values = range(track, level, c, from, to);
          if (!values) continue;
          pen.lineTo(LEFT + k, y(values[0])); pen.lineTo(LEFT + k + 0.5, y(values[1]));
        }
      }
      pen.stroke();
    }
    pen.restore();
    const longest = Math.max(Math.min(each, high / 2), 24) / scale * track.factor;
    const power = 10 ** Math.floor(Math.log10(longest)), length = [5, 2, 1].map(k => k * power).find(size => size <= longest * (1 + 1e-9));
    const x = width - RIGHT + 10, middle = TOP + high / 2, half = length / track.factor * scale / 2;
    pen.strokeStyle = pen.fillStyle = colour("ink"); pen.lineWidth = 1.5;
    pen.beginPath(); pen.moveTo(x, middle - half); pen.lineTo(x, middle + half); pen.stroke();
    pen.textAlign = "left"; pen.textBaseline = "middle";
    pen.fillText(readable(length) + " " + track.unit, x + 6, middle);
  }

  hover(time, y) {
    const track = this.track, c = this.rowAt(y), perPixel = (view.stop - view.start) / 1000;
    const level = levelFor(track, perPixel), row = Math.round(rowsOf(track, time));
    if (row < 0 || row >= track.samples) return { text: "", channel: null };
    const first = Math.floor(row / level.step) * level.step;
    const values = range(track, level, c, first, first + level.step).map(v => readable(Number((v * track.factor).toPrecision(4))));
    const value = level.step > 1 ? `${values[0]} to ${values[1]} ${track.unit} within ${timeText(level.step * track.dt, level.step * track.dt)}` : `${values[0]} ${track.unit}`;
    return { text: `${track.names[c]}\n${value}`, channel: c };
  }
}

class Raster {
  constructor(track) { this.track = track; this.first = 0; this.last = track.populations.reduce((sum, p) => sum + p.cells, 0); this.gain = 1; }
  height() { return Math.min(Math.max(3 * this.last, 60), 260); }
  zoomRows() {} moveRows() {} reset() {}
  draw({ pen, width }) {
    const high = this.height(), each = high / Math.max(this.last, 1);
    let top = 0;
    for (const population of this.track.populations) {
      const times = block(population.times, Float32Array), rows = block(population.rows, Uint32Array);
      pen.fillStyle = inkOf(this.track.populations.length > 1 ? population.colour : null);
      // times rise: those in view are one stretch
      let k = 0, end = times.length;
      while (k < end) { const m = (k + end) >> 1; if (times[m] < view.start) k = m + 1; else end = m; }
      for (; k < times.length && times[k] <= view.stop; k++)
        pen.fillRect(xOf(times[k], width) - 0.5, TOP + (top + rows[k]) * each, 1, Math.max(each, 1.2));
      pen.textAlign = "right"; pen.textBaseline = "middle";
      pen.fillText(population.name, LEFT - 6, TOP + (top + population.cells / 2) * each, LEFT - 10);
      top += population.cells;
    }
    timeAxis(pen, width, TOP + high + 2);
  }
  hover(time, y) {
    let row = Math.floor((y - TOP) / this.height() * this.last);
    for (const population of this.track.populations) {
      if (row < population.cells && row >= 0) return { text: `${population.name} cell ${population.gids[row]}`, channel: null };
      row -= population.cells;
    }
    return { text: "", channel: null };
  }
}
