// The page: its panels, what the pointer and the keys do, and when things are drawn.
let printing = false, waiting = false;
const panels = [];
const root = document.documentElement, hover = document.getElementById("hover"), overview = document.getElementById("overview");

function isDark() { return root.classList.contains("dark"); }

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(drawAll);
}

function drawAll() {
  waiting = false;
  if (facts.cells) drawCells();
  for (const { panel, canvas } of panels) {
    const paper = sheet(canvas, panel.height() + TOP + AXIS);
    panel.draw(paper);
    if (view.cursor !== null) {
      const x = xOf(view.cursor, paper.width);
      paper.pen.fillStyle = colour("mark"); paper.pen.globalAlpha = 0.6;
      paper.pen.fillRect(x - 0.5, TOP, 1, panel.height());
    }
  }
  if (panels.length) drawOverview();
  const span = view.stop - view.start;
  document.getElementById("span").textContent = panels.length ? `${timeText(view.start, span)} to ${timeText(view.stop, span)}` : "";
}

// The whole recording on one strip: the widest envelope of the first panel, and what is looked at.
function drawOverview() {
  const { pen, width, height } = sheet(overview), wide = plotWidth(width);
  const x = time => LEFT + (time - facts.start) / (facts.stop - facts.start) * wide;
  pen.fillStyle = colour("raised"); pen.fillRect(LEFT, 0, wide, height);
  pen.fillStyle = colour("faint");
  const chosen = panels[facts.overview];
  if (chosen) {
    const track = chosen.panel.track, c = track.strongest, perPixel = (facts.stop - facts.start) / wide;
    const level = levelFor(track, perPixel), low = track.lows[c], high = Math.max(track.highs[c], low + 1e-300);
    for (let k = 0; k < wide; k++) {
      const from = rowsOf(track, facts.start + k * perPixel);
      const values = from + perPixel / track.dt > 0 && from < track.samples ? range(track, level, c, from, from + perPixel / track.dt) : null;
      if (!values) continue;
      const y = value => height - 4 - (height - 8) * Math.min(Math.max((value - track.centres[c] - low) / (high - low), 0), 1);
      pen.fillRect(LEFT + k, y(values[1]), 1, Math.max(y(values[0]) - y(values[1]), 1));
    }
  }
  pen.strokeStyle = colour("mark"); pen.lineWidth = 1.5;
  pen.fillStyle = colour("mark"); pen.globalAlpha = 0.15;
  const left = x(view.start), seen = Math.max(x(view.stop) - left, 2);
  pen.fillRect(left, 0, seen, height); pen.globalAlpha = 1; pen.strokeRect(left, 1, seen, height - 2);
  pen.fillStyle = colour("faint"); pen.textBaseline = "middle"; pen.textAlign = "right"; pen.fillText("overview", LEFT - 6, height / 2);
}

function look(start, stop) {
  const whole = facts.stop - facts.start, span = Math.min(Math.max(stop - start, facts.least), whole);
  const middle = (start + stop) / 2;
  view.start = Math.min(Math.max(middle - span / 2, facts.start), facts.stop - span);
  view.stop = view.start + span;
  redraw();
}
function zoom(factor, time = (view.start + view.stop) / 2) { look(time + (view.start - time) * factor, time + (view.stop - time) * factor); }
function move(share) { const by = share * (view.stop - view.start); look(Math.min(view.start + by, facts.stop - (view.stop - view.start)), Math.min(view.stop + by, facts.stop)); }
function everything() { for (const { panel } of panels) panel.reset(); look(facts.start, facts.stop); }

function keyed(event, panel) {
  const step = Math.max(Math.round((panel ? panel.last - panel.first : 0) / 8), 1);
  const actions = {
    ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), Home: everything,
    d: theme, "?": keys,
    ArrowUp: panel && (() => panel.moveRows(step)), ArrowDown: panel && (() => panel.moveRows(-step)),
    PageDown: panel && (() => panel.zoomRows(0.5, (panel.first + panel.last) / 2)), PageUp: panel && (() => panel.zoomRows(2, (panel.first + panel.last) / 2)),
    "]": panel && (() => { panel.gain *= 1.25; }), "[": panel && (() => { panel.gain /= 1.25; }),
    i: panel && (() => { if (panel.track.levels) { panel.asImage = !panel.asImage; panel.track.mode = panel.asImage ? "image" : "traces"; } }),
  };
  if (event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
  actions[event.key]();
  event.preventDefault(); event.stopPropagation();
  redraw();
}
function theme() { root.classList.toggle("dark"); redraw(); }
function keys() { const list = document.getElementById("keys"); list.hidden = !list.hidden; document.getElementById("help").setAttribute("aria-expanded", String(!list.hidden)); redraw(); }

function listen(panel, canvas) {
  let rest = 0;
  canvas.addEventListener("pointerdown", event => { canvas.setPointerCapture(event.pointerId); canvas.focus({ preventScroll: true }); rest = 0; });
  canvas.addEventListener("pointermove", event => {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    if (event.buttons) {
      look(view.start - event.movementX / plotWidth(box.width) * (view.stop - view.start), view.stop - event.movementX / plotWidth(box.width) * (view.stop - view.start));
      rest += event.movementY / panel.height() * (panel.last - panel.first);
      const rows = Math.trunc(rest);
      if (rows) { panel.moveRows(rows); rest -= rows; }
    }
    if (x < LEFT || x > box.width - RIGHT || y > TOP + panel.height()) { leave(); return; }
    view.cursor = timeAt(x, box.width);
    const { text, channel } = panel.hover(view.cursor, y);
    const sites = facts.cells && panel.track.sites;
    space.marked = sites && channel !== null ? sites[channel] : null;
    hover.textContent = `${timeText(view.cursor, view.stop - view.start)}\n${text}`;
    hover.style.visibility = "visible";
    hover.style.left = Math.min(event.clientX + 14, window.innerWidth - hover.offsetWidth - 8) + "px";
    hover.style.top = Math.min(event.clientY + 14, window.innerHeight - hover.offsetHeight - 8) + "px";
    redraw();
  });
  const leave = () => { view.cursor = space.marked = null; hover.style.visibility = "hidden"; redraw(); };
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener("dblclick", everything);
  canvas.addEventListener("wheel", event => {
    // a panel that was not chosen lets the page scroll
    if (document.activeElement !== canvas) return;
    event.preventDefault();
    const box = canvas.getBoundingClientRect(), by = Math.exp((event.deltaY || event.deltaX) / 400);
    if (event.shiftKey) panel.zoomRows(by > 1 ? 1.25 : 0.8, panel.rowAt ? panel.rowAt(event.clientY - box.top) : 0);
    else zoom(by, timeAt(event.clientX - box.left, box.width));
    redraw();
  }, { passive: false });
  canvas.addEventListener("keydown", event => keyed(event, panel));
}

function listenToOverview() {
  let from = 0;
  const timeOf = event => {
    const box = overview.getBoundingClientRect(), share = (event.clientX - box.left - LEFT) / plotWidth(box.width);
    return facts.start + Math.min(Math.max(share, 0), 1) * (facts.stop - facts.start);
  };
  overview.addEventListener("pointerdown", event => { overview.setPointerCapture(event.pointerId); from = timeOf(event); });
  overview.addEventListener("pointermove", event => { if (event.buttons) { const to = timeOf(event); look(Math.min(from, to), Math.max(from, to)); } });
  overview.addEventListener("dblclick", everything);
}

function begin() {
  if (window.matchMedia("(prefers-color-scheme: dark)").matches) root.classList.add("dark");
  const holder = document.getElementById("tracks");
  for (const track of facts.tracks) {
    const panel = track.populations ? new Raster(track) : new Sampled(track);
    const box = document.createElement("div"), title = document.createElement("h2"), canvas = document.createElement("canvas"), note = document.createElement("span");
    box.className = "track"; note.className = "note";
    title.textContent = track.title + " "; note.textContent = track.note; title.append(note);
    canvas.tabIndex = 0; canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", `${track.title}. ${track.note}`);
    box.append(title, canvas); holder.append(box);
    panels.push({ panel, canvas });
    listen(panel, canvas);
  }
  if (facts.cells) {
    document.getElementById("cells").hidden = false;
    document.querySelector("#cells .note").textContent = facts.cells.note;
    if (panels.length) document.querySelector("main").classList.add("beside");
    listenToCells();
  }
  if (!panels.length) holder.hidden = document.querySelector("nav").hidden = true; else listenToOverview();
  const shown = panels[facts.overview];
  if (shown) overview.title = `overview: ${shown.panel.track.title}, ${shown.panel.track.names[shown.panel.track.strongest]}`;
  const buttons = { back: () => move(-0.5), on: () => move(0.5), in: () => zoom(0.5), out: () => zoom(2), all: everything, theme, help: keys };
  for (const [name, action] of Object.entries(buttons)) document.getElementById(name).addEventListener("click", action);
  window.addEventListener("keydown", event => { if (event.target === document.body || event.target === overview) keyed(event, panels.length ? panels[0].panel : null); });
  window.addEventListener("resize", redraw);
  let wasDark = false;
  window.addEventListener("beforeprint", () => { wasDark = isDark(); printing = true; root.classList.remove("dark"); drawAll(); });
  window.addEventListener("afterprint", () => { printing = false; if (wasDark) root.classList.add("dark"); redraw(); });
  drawAll();
  root.dataset.ready = String(Math.round(performance.now()));
}
begin();
