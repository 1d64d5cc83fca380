// Cells and contacts in space, seen from anywhere, without perspective.
const space = { azimuth: facts.cells ? facts.cells.azimuth : 0, elevation: facts.cells ? facts.cells.elevation : 0, zoom: 1, marked: null };

function turned(x, y, z) {
  const [cx, cy, cz] = facts.cells.centre;
  const a = space.azimuth, e = space.elevation;
  x -= cx; y -= cy; z -= cz;
  const right = x * Math.cos(a) + y * Math.sin(a), back = -x * Math.sin(a) + y * Math.cos(a);
  return [right, z * Math.cos(e) - back * Math.sin(e), -back * Math.cos(e) - z * Math.sin(e)];
}

function drawCells() {
  const canvas = document.querySelector("#cells canvas");
  const { pen, width, height } = sheet(canvas);
  const scale = space.zoom * 0.92 * Math.min(width, height - 40) / facts.cells.extent;
  const place = (x, y, z) => { const p = turned(x, y, z); return [width / 2 + scale * p[0], height / 2 - 12 - scale * p[1], p[2]]; };
  const data = block(facts.cells.segments, Float32Array), owners = block(facts.cells.owners, Uint8Array);
  const strokes = new Map();
  for (let k = 0; k < owners.length; k++) {
    const s = 7 * k;
    const from = place(data[s], data[s + 1], data[s + 2]), to = place(data[s + 3], data[s + 4], data[s + 5]);
    // strokes of one colour and width go together: far fewer calls
    const thick = Math.max(Math.round(2 * data[s + 6] * scale) / 2, 0.7);
    const key = owners[k] + ":" + thick;
    if (!strokes.has(key)) strokes.set(key, { owner: owners[k], thick, path: new Path2D() });
    const path = strokes.get(key).path;
    path.moveTo(from[0], from[1]);
    // what is seen from its end is a dot
    path.lineTo(to[0] + (Math.hypot(to[0] - from[0], to[1] - from[1]) < 0.05 ? 0.05 : 0), to[1]);
  }
  for (const { owner, thick, path } of [...strokes.values()].sort((a, b) => a.thick - b.thick)) {
    pen.strokeStyle = inkOf(facts.cells.colours[owner]);
    // round ends close the joints of thin pieces and would lengthen thick ones
    pen.lineCap = thick > 4 ? "butt" : "round";
    pen.lineWidth = thick;
    pen.stroke(path);
  }
  const side = facts.cells.sites.length > 200 ? 3 : 5;
  facts.cells.sites.forEach((site, k) => {
    const [x, y] = place(...site.place), marked = space.marked === k;
    pen.fillStyle = marked ? "#d55e00" : colour("faint");
    const half = marked ? side : side / 2;
    pen.fillRect(x - half, y - half, 2 * half, 2 * half);
  });
  const length = niceStep(0.5 * 0.3 * Math.min(width, height) / scale), y = height - 14;
  pen.strokeStyle = pen.fillStyle = colour("ink"); pen.lineWidth = 1.5; pen.lineCap = "butt";
  pen.beginPath(); pen.moveTo(12, y); pen.lineTo(12 + length * scale, y); pen.stroke();
  pen.textAlign = "left"; pen.textBaseline = "bottom"; pen.fillText(`${readable(length)} µm`, 12, y - 3);
  [[1, 0, 0], [0, 1, 0], [0, 0, 1]].forEach((axis, k) => {
    const c = facts.cells.centre, p = turned(c[0] + axis[0], c[1] + axis[1], c[2] + axis[2]);
    const x = width - 36, bottom = height - 36;
    pen.lineWidth = 1; pen.beginPath(); pen.moveTo(x, bottom); pen.lineTo(x + 20 * p[0], bottom - 20 * p[1]); pen.stroke();
    pen.textAlign = "center"; pen.textBaseline = "middle";
    if (Math.hypot(p[0], p[1]) > 0.2) pen.fillText("xyz"[k], x + 28 * p[0], bottom - 28 * p[1]);
  });
}

function listenToCells() {
  const canvas = document.querySelector("#cells canvas");
  canvas.addEventListener("pointerdown", event => { canvas.setPointerCapture(event.pointerId); canvas.focus(); });
  canvas.addEventListener("pointermove", event => {
    if (!event.buttons) return;
    space.azimuth -= event.movementX / 120;
    space.elevation = Math.min(Math.max(space.elevation + event.movementY / 120, -Math.PI / 2), Math.PI / 2);
    redraw();
  });
  canvas.addEventListener("wheel", event => {
    if (document.activeElement !== canvas) return;
    event.preventDefault();
    space.zoom = Math.min(Math.max(space.zoom * Math.exp(-event.deltaY / 500), 0.2), 200);
    redraw();
  }, { passive: false });
  canvas.addEventListener("dblclick", resetCells);
  canvas.addEventListener("keydown", event => {
    const turns = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (turns) { space.azimuth += turns[0]; space.elevation = Math.min(Math.max(space.elevation + turns[1], -Math.PI / 2), Math.PI / 2); }
    else if (event.key === "+" || event.key === "=") space.zoom *= 1.25;
    else if (event.key === "-") space.zoom /= 1.25;
    else if (event.key === "Home") resetCells();
    else return;
    event.preventDefault(); event.stopPropagation();
    redraw();
  });
}

function resetCells() { Object.assign(space, { azimuth: facts.cells.azimuth, elevation: facts.cells.elevation, zoom: 1 }); redraw(); }
