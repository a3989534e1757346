// The network at one time: objects on an ellipse in the order of their ids, and what holds
// between them. The same time gives the same drawing.

const SVG = "http://www.w3.org/2000/svg";
const MOST_NODES = 40;
const MOST_EDGES = 150;
const MOST_LABELS = 36;
const NODE_HEIGHT = 26;

const drawing = byId("drawing");
const ruler = document.createElement("canvas").getContext("2d");
let drawnKey = null;

function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function widthOf(text, font = "12px system-ui, sans-serif") {
  ruler.font = font;
  return ruler.measureText(text).width;
}

function shorten(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function drawNetwork() {
  const holding = holdingAt(chosen.time);
  const { width, height } = drawing.getBoundingClientRect();
  const present = presentAt(chosen.time);
  const key = JSON.stringify([holding.map((r) => r.id), present, width, height, chosen.object]);
  if (key === drawnKey || !width) return;
  drawnKey = key;
  const nodes = placeNodes(chooseNodes(present, holding), holding, width, height);
  const edges = bundle(holding).filter((edge) => nodes.has(edge.from) && nodes.has(edge.to));
  const shown = edges.slice(0, MOST_EDGES);
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawing.classList.toggle("dense", shown.length > MOST_LABELS);
  drawing.replaceChildren(...drawEdges(shown, nodes), ...[...nodes.values()].map(drawNode));
  byId("network-remark").textContent = remarkOn(present, nodes, edges, shown);
}

function remarkOn(present, nodes, edges, shown) {
  if (!present.length) return "nothing is visible at this time";
  const left = [];
  if (nodes.size < present.length) left.push(`${nodes.size} of ${present.length} objects`);
  if (shown.length < edges.length) left.push(`${shown.length} of ${edges.length} edges`);
  if (left.length) return `${left.join(" and ")} are drawn; filter to see others`;
  return shown.length > MOST_LABELS ? "point at an object or edge to read its labels" : "";
}

// All that are present, or those with most relations if there are too many to draw.
function chooseNodes(present, holding) {
  if (present.length <= MOST_NODES) return present;
  const degree = new Map(present.map((id) => [id, 0]));
  for (const id of holding.flatMap(participants)) degree.set(id, (degree.get(id) ?? 0) + 1);
  const ranked = [...present].sort((a, b) => degree.get(b) - degree.get(a) || a - b);
  return ranked.slice(0, MOST_NODES).sort(byNumber);
}

function placeNodes(ids, holding, width, height) {
  const small = ids.length > 14;
  const longest = clamp(Math.floor(width / 28), 10, 24);
  const nodes = ids.map((id) => {
    const name = small && id !== CAMERA ? `#${id}` : shorten(nameOf(id), longest);
    const states = holding.filter((r) => onNode(r) && r.subject === id);
    return { id, name, states, small, halfWidth: widthOf(name) / 2 + (small ? 4 : 11) };
  });
  const margin = Math.max(30, ...nodes.map((node) => node.halfWidth)) + 10;
  const place = small ? alongEllipse : aroundEllipse;
  const places = place(nodes.length, Math.max(20, width / 2 - margin), height / 2 - 34);
  nodes.forEach((node, index) => {
    node.x = width / 2 + places[index].x;
    node.y = height / 2 - 4 + places[index].y;
  });
  return new Map(nodes.map((node) => [node.id, node]));
}

// Points at equal angles, clockwise from the top; one alone is in the centre.
function aroundEllipse(count, radiusX, radiusY) {
  if (count === 1) return [{ x: 0, y: 0 }];
  return Array.from({ length: count }, (_, n) => {
    const angle = (2 * Math.PI * n) / count - Math.PI / 2;
    return { x: radiusX * Math.cos(angle), y: radiusY * Math.sin(angle) };
  });
}

// Points at equal distances: many nodes would crowd the narrow ends of a flat ellipse.
function alongEllipse(count, radiusX, radiusY) {
  const outline = aroundEllipse(720, radiusX, radiusY);
  const ways = [0];
  for (let n = 1; n <= outline.length; n += 1) {
    const [before, here] = [outline[n - 1], outline[n % outline.length]];
    ways.push(ways[n - 1] + Math.hypot(here.x - before.x, here.y - before.y));
  }
  const round = ways[outline.length];
  return Array.from({ length: count }, (_, index) =>
    outline[ways.findIndex((way) => way >= (index / count) * round)],
  );
}

function drawNode(node) {
  const { id, name, states, small, halfWidth, x, y } = node;
  const item = objectById.get(id);
  const hidden = item && !covers(item.presence, chosen.time);
  const classes = ["node", hidden && "unseen", id === chosen.object && "picked"];
  const said = states.map((relation) => relation.rest);
  const tall = small ? 18 : NODE_HEIGHT;
  const group = shape(
    "g",
    {
      class: classes.filter(Boolean).join(" "), "data-object": id, tabindex: 0, role: "button",
      "aria-label": [nameOf(id), ...said].join(", "), transform: `translate(${x} ${y})`,
    },
    shape("rect", {
      x: -halfWidth, y: -tall / 2, width: 2 * halfWidth, height: tall, rx: tall / 2,
    }),
    shape("text", { class: small ? "small" : "name", y: 4 }, name),
  );
  if (states.length) group.append(drawStates(states));
  return group;
}

// One-place predicates stand below the node that they are said of.
function drawStates(states) {
  const text = shape("text", { class: "states", y: NODE_HEIGHT / 2 + 13 });
  states.slice(0, 3).forEach((relation, index) => {
    const attributes = { class: `kind-${relation.kind}`, "data-relations": relation.id };
    if (index) text.append(", ");
    text.append(shape("tspan", attributes, shorten(stateWord(relation), 24)));
  });
  if (states.length > 3) text.append(` +${states.length - 3}`);
  return text;
}

function stateWord(relation) {
  return relation.object === CAMERA ? relation.rest : `${relation.predicate} itself`;
}

// -- edges ----------------------------------------------------------------------------------

// Relations of the same two objects in the same direction share an edge. What is handed to
// somebody also leads from the thing to the one who gets it.
function bundle(holding) {
  const edges = new Map();
  const add = (from, to, relation, word, onward) => {
    const key = `${from} ${to} ${onward}`;
    if (!edges.has(key)) edges.set(key, { from, to, onward, relations: [], labels: [] });
    edges.get(key).relations.push(relation);
    edges.get(key).labels.push({ word, kind: relation.kind });
  };
  for (const relation of holding.filter((r) => !onNode(r))) {
    add(relation.subject, relation.object, relation, relation.predicate, false);
    const { recipient } = relation;
    if (recipient !== null && recipient !== relation.object) {
      add(relation.object, recipient, relation, "to", true);
    }
  }
  const rank = ({ kind }) => KINDS.indexOf(kind);
  for (const edge of edges.values()) edge.labels.sort((a, b) => rank(a) - rank(b));
  const weight = (edge) => rank(edge.labels[0]);
  return [...edges.values()].sort(
    (a, b) => weight(a) - weight(b) || a.from - b.from || a.to - b.to || a.onward - b.onward,
  );
}

function drawEdges(edges, nodes) {
  const taken = [...nodes.values()].map(({ x, y, halfWidth, states }) => ({
    left: x - halfWidth, right: x + halfWidth, top: y - 14, bottom: y + (states.length ? 30 : 14),
  }));
  const drawn = edges.map((edge) => drawEdge(edge, nodes, taken));
  return drawn.reverse();
}

function drawEdge(edge, nodes, taken) {
  const curve = curveOf(nodes.get(edge.from), nodes.get(edge.to), edge.onward ? 0.26 : 0.1);
  const { start, control, end } = curve;
  const { kind } = edge.labels[0];
  const sentences = edge.relations.map((relation) => relation.sentence);
  return shape(
    "g",
    {
      class: `edge kind-${kind}${edge.onward ? " onward" : ""}`,
      "data-relations": edge.relations.map((relation) => relation.id).join(" "),
      "data-from": edge.from, "data-to": edge.to, role: "img", "aria-label": sentences.join("; "),
    },
    shape("path", { class: "reach", d: pathOf(curve) }),
    shape("path", { class: "stroke", d: pathOf(curve) }),
    shape("polygon", { points: arrowHead(control, end) }),
    drawLabel(edge, curve, taken),
  );
}

function pathOf({ start, control, end }) {
  return `M${start.x} ${start.y}Q${control.x} ${control.y} ${end.x} ${end.y}`;
}

// A slight bend to the right of its direction keeps a pair's two edges apart.
function curveOf(from, to, bend) {
  const control = {
    x: (from.x + to.x) / 2 - bend * (to.y - from.y),
    y: (from.y + to.y) / 2 + bend * (to.x - from.x),
  };
  return { start: borderOf(from, control), control, end: borderOf(to, control) };
}

// Where the line from a node's centre to a point leaves the node, with a small gap.
function borderOf({ x, y, halfWidth, states }, point) {
  const [dx, dy] = [point.x - x, point.y - y];
  const halfHeight = dy > 0 && states.length ? NODE_HEIGHT / 2 + 20 : NODE_HEIGHT / 2 + 4;
  const halves = [(halfWidth + 4) / (Math.abs(dx) || 1e-9), halfHeight / (Math.abs(dy) || 1e-9)];
  const share = Math.min(1, ...halves);
  return { x: x + share * dx, y: y + share * dy };
}

function arrowHead(from, tip) {
  const length = Math.hypot(tip.x - from.x, tip.y - from.y) || 1;
  const [ux, uy] = [(tip.x - from.x) / length, (tip.y - from.y) / length];
  const corner = (side) => `${tip.x - 9 * ux - side * uy},${tip.y - 9 * uy + side * ux}`;
  return `${tip.x},${tip.y} ${corner(4)} ${corner(-4)}`;
}

function along({ start, control, end }, share) {
  const [a, b, c] = [(1 - share) ** 2, 2 * share * (1 - share), share ** 2];
  return { x: a * start.x + b * control.x + c * end.x, y: a * start.y + b * control.y + c * end.y };
}

function drawLabel(edge, curve, taken) {
  const said = [...new Map(edge.labels.map((label) => [label.word, label])).values()];
  const shown = said.slice(0, 3).map(({ word, kind }) => ({ word: shorten(word, 24), kind }));
  const more = said.length > 3 ? ` +${said.length - 3}` : "";
  const width = widthOf(shown.map(({ word }) => word).join(", ") + more, "11px system-ui, sans-serif");
  const { x, y } = freePlace(curve, width, taken);
  const text = shape("text", { class: "label", x, y: y + 4 });
  shown.forEach(({ word, kind }, index) => {
    text.append(index ? ", " : "", shape("tspan", { class: `kind-${kind}` }, word));
  });
  text.append(more);
  return text;
}

// The place on the curve, near its middle, where the label covers least of what is there.
function freePlace(curve, width, taken) {
  const boxes = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74].map((share) => {
    const { x, y } = along(curve, share);
    return { left: x - width / 2 - 2, right: x + width / 2 + 2, top: y - 8, bottom: y + 8 };
  });
  const covered = boxes.map((box) => taken.reduce((sum, other) => sum + shared(box, other), 0));
  const best = boxes[covered.indexOf(Math.min(...covered))];
  taken.push(best);
  return { x: (best.left + best.right) / 2, y: (best.top + best.bottom) / 2 };
}

function shared(a, b) {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return Math.max(0, width) * Math.max(0, height);
}

// -- pointing ---------------------------------------------------------------------------------

function lightUp(target) {
  const node = target?.closest?.(".node");
  const edge = target?.closest?.(".edge");
  drawing.classList.toggle("pointing", Boolean(node || edge));
  for (const other of drawing.querySelectorAll(".edge")) {
    const { from, to } = other.dataset;
    const touches = node && [from, to].includes(node.dataset.object);
    other.classList.toggle("lit", other === edge || Boolean(touches));
  }
}

function connectNetwork(pickObject) {
  new ResizeObserver(drawNetwork).observe(drawing);
  for (const name of ["pointerover", "focusin"]) {
    drawing.addEventListener(name, (event) => lightUp(event.target));
  }
  for (const name of ["pointerleave", "focusout"]) {
    drawing.addEventListener(name, () => lightUp(null));
  }
  const pick = (event) => {
    const node = event.target.closest(".node");
    if (node) pickObject(Number(node.dataset.object));
  };
  drawing.addEventListener("click", pick);
  drawing.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    pick(event);
  });
}
