// The timeline: an axis in seconds and one row per relation, grouped by subject.
// Only the rows in sight are in the page, so that thousands cost no more than a screenful.

const ROW = 23;
const MOST_ROWS = 100000;
const SHORTEST_VIEW = Math.min(endOfTime, 2 / scene.video.fps);

const rowsBox = byId("rows");
const canvas = byId("canvas");
const axis = byId("axis");
const cursor = byId("cursor");
const selection = byId("selection");

const closedGroups = new Set();
const drawnRows = new Map();
let rows = [];
let activeRow = 0;

// -- rows ---------------------------------------------------------------------------------

function listRows() {
  const groups = new Map();
  for (const relation of relations.filter(fits)) {
    if (!groups.has(relation.subject)) groups.set(relation.subject, []);
    groups.get(relation.subject).push(relation);
  }
  const order = [...groups.keys()].sort((a, b) => (a === CAMERA) - (b === CAMERA) || a - b);
  const listed = order.flatMap((subject) => {
    const members = groups.get(subject);
    const group = { subject, members, relation: null };
    if (closedGroups.has(subject)) return [group];
    return [group, ...members.map((relation) => ({ subject, members, relation }))];
  });
  const count = order.reduce((sum, subject) => sum + groups.get(subject).length, 0);
  return { listed, count };
}

function updateRows() {
  const { listed, count } = listRows();
  rows = listed.slice(0, MOST_ROWS);
  activeRow = clamp(activeRow, 0, Math.max(0, rows.length - 1));
  canvas.style.height = `${rows.length * ROW}px`;
  canvas.replaceChildren();
  drawnRows.clear();
  byId("shown").textContent = shownText(count, listed.length);
  const nothing = byId("nothing");
  nothing.hidden = rows.length > 0;
  nothing.textContent = relations.length
    ? "No relation fits the filters."
    : "The graph has no relations.";
  drawRows();
}

function shownText(count, listed) {
  const all = counted(relations.length, "relation");
  const some = count === relations.length ? all : `${count.toLocaleString("en")} of ${all}`;
  if (listed <= MOST_ROWS) return some;
  return `${some}; the first ${counted(MOST_ROWS, "row")} are listed, filter to see others`;
}

function drawRows() {
  const first = Math.max(0, Math.floor(rowsBox.scrollTop / ROW) - 4);
  const bottom = rowsBox.scrollTop + rowsBox.clientHeight;
  const last = Math.min(rows.length, Math.ceil(bottom / ROW) + 4);
  const wanted = new Set(rows.length ? [activeRow] : []);
  for (let index = first; index < last; index += 1) wanted.add(index);
  for (const [index, row] of drawnRows) {
    if (!wanted.has(index)) {
      row.remove();
      drawnRows.delete(index);
    }
  }
  for (const index of wanted) if (!drawnRows.has(index)) addRow(index);
  pinSubject();
}

// The subject of the topmost rows stays in sight when its own row is scrolled away.
function pinSubject() {
  const topmost = rows[Math.floor(rowsBox.scrollTop / ROW)];
  const pinned = byId("pinned");
  pinned.hidden = !topmost || (!topmost.relation && rowsBox.scrollTop % ROW === 0);
  if (!pinned.hidden) pinned.textContent = nameOf(topmost.subject);
}

function addRow(index) {
  const { relation } = rows[index];
  const row = relation ? relationRow(rows[index]) : groupRow(rows[index]);
  row.dataset.index = index;
  row.id = `row-${index}`;
  row.tabIndex = index === activeRow ? 0 : -1;
  row.style.top = `${index * ROW}px`;
  row.setAttribute("role", "treeitem");
  row.append(element("div", "lane"));
  drawnRows.set(index, row);
  canvas.append(row);
  drawBars(index);
}

function groupRow({ subject, members }) {
  const row = element("div", "row group");
  const label = element("div", "label");
  label.append(
    element("span", "fold"), element("span", "name", nameOf(subject)),
    element("span", "count", members.length),
  );
  row.append(label);
  row.setAttribute("aria-level", 1);
  row.setAttribute("aria-expanded", !closedGroups.has(subject));
  row.setAttribute("aria-label", `${nameOf(subject)}, ${counted(members.length, "relation")}`);
  row.dataset.object = subject;
  return row;
}

function relationRow({ relation, members }) {
  const row = element("div", `row relation kind-${relation.kind}`);
  const label = element("div", "label");
  label.append(element("span", "name", relation.rest), element("span", "id", relation.id));
  row.append(label);
  row.setAttribute("aria-level", 2);
  row.setAttribute("aria-setsize", members.length);
  row.setAttribute("aria-posinset", members.indexOf(relation) + 1);
  const times = relation.intervals.slice(0, MOST_TIMES).map(spanText).join(", ");
  row.setAttribute("aria-label", `${relation.id} ${relation.sentence}, ${relation.kind}, ${times}`);
  row.dataset.relations = relation.id;
  return row;
}

function drawBars(index) {
  const { subject, relation } = rows[index];
  const intervals = relation ? relation.intervals : objectById.get(subject)?.presence ?? [];
  const lane = drawnRows.get(index).lastElementChild;
  const { start: from, end: to } = chosen.view;
  const bars = intervals.flatMap(([start, end], order) => {
    if (end < from || start > to) return [];
    const bar = element("div", relation ? "bar" : "presence");
    const left = Math.max(start, from);
    bar.style.left = `${100 * fraction(left)}%`;
    bar.style.width = `${100 * (fraction(Math.min(end, to)) - fraction(left))}%`;
    bar.dataset.interval = order;
    return [bar];
  });
  lane.replaceChildren(...bars);
}

// -- axis, view and time --------------------------------------------------------------------

function fraction(time) {
  const { start, end } = chosen.view;
  return (time - start) / (end - start);
}

function timeAt(clientX) {
  const box = axis.getBoundingClientRect();
  const { start, end } = chosen.view;
  return start + clamp((clientX - box.left) / box.width, 0, 1) * (end - start);
}

function tickStep(span, most) {
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9));
}

function drawAxis() {
  const { start, end } = chosen.view;
  const step = tickStep(end - start, axis.clientWidth / 74);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const labels = [];
  const lines = [];
  for (let n = Math.ceil(start / step - 1e-9); n * step <= end + 1e-9; n += 1) {
    const line = element("div", "line");
    line.style.left = `${100 * fraction(n * step)}%`;
    lines.push(line);
    labels.push(tickLabel(n * step, decimals, fraction(start + step)));
  }
  axis.replaceChildren(...labels);
  byId("grid").replaceChildren(...lines);
  byId("span").textContent = spanText([start, end]);
  byId("zoom-reset").disabled = byId("zoom-out").disabled = end - start >= endOfTime;
  byId("zoom-in").disabled = end - start <= SHORTEST_VIEW;
}

// A label stands right of its line; the last one left of it, or nowhere if there is no room.
function tickLabel(time, decimals, stepShare) {
  const label = element("span", "tick", `${time.toFixed(decimals)} s`);
  label.style.left = `${100 * fraction(time)}%`;
  const width = widthOf(label.textContent) + 8;
  if (fraction(time) * axis.clientWidth + width > axis.clientWidth) {
    label.hidden = stepShare * axis.clientWidth < 2 * width;
    label.classList.add("last");
  }
  return label;
}

function drawCursor() {
  const place = fraction(chosen.time);
  cursor.hidden = place < 0 || place > 1;
  cursor.style.left = `${100 * place}%`;
  axis.setAttribute("aria-valuemin", 0);
  axis.setAttribute("aria-valuemax", endOfTime);
  axis.setAttribute("aria-valuenow", chosen.time.toFixed(3));
  axis.setAttribute("aria-valuetext", seconds(chosen.time));
}

function setView(start, end) {
  const length = clamp(end - start, SHORTEST_VIEW, endOfTime);
  const from = clamp(start, 0, endOfTime - length);
  chosen.view = { start: from, end: from + length };
  drawAxis();
  drawCursor();
  for (const index of drawnRows.keys()) drawBars(index);
}

function zoom(factor, around = chosen.time) {
  const { start, end } = chosen.view;
  const fixed = around < start || around > end ? (start + end) / 2 : around;
  const length = clamp((end - start) * factor, SHORTEST_VIEW, endOfTime);
  const share = (fixed - start) / (end - start);
  setView(fixed - share * length, fixed + (1 - share) * length);
}

function pan(share) {
  const { start, end } = chosen.view;
  setView(start + share * (end - start), end + share * (end - start));
}

// Move the view so that a time is in it, and leave it alone if it is.
function reveal(time) {
  const { start, end } = chosen.view;
  if (time < start || time > end) setView(time - (end - start) / 10, time + (end - start) * 0.9);
}

function fitOverlay() {
  const scrollbar = rowsBox.offsetWidth - rowsBox.clientWidth;
  byId("plot").style.setProperty("--scrollbar", `${scrollbar}px`);
  drawAxis();
  drawRows();
}

// -- pointer and keys -------------------------------------------------------------------------

function connectTimeline(setTime) {
  connectAxis(setTime);
  connectLanes(setTime);
  rowsBox.addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
  rowsBox.addEventListener("click", (event) => pressRow(event, setTime));
  rowsBox.addEventListener("keydown", (event) => moveInRows(event, setTime));
  axis.addEventListener("wheel", wheelZoom, { passive: false });
  rowsBox.addEventListener("wheel", wheelRows, { passive: false });
  byId("zoom-in").addEventListener("click", () => zoom(0.5));
  byId("zoom-out").addEventListener("click", () => zoom(2));
  byId("zoom-reset").addEventListener("click", () => setView(0, endOfTime));
  new ResizeObserver(fitOverlay).observe(rowsBox);
}

function wheelZoom(event) {
  event.preventDefault();
  zoom(1.0015 ** clamp(event.deltaY, -400, 400), timeAt(event.clientX));
}

function wheelRows(event) {
  const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (event.ctrlKey || event.metaKey) wheelZoom(event);
  else if (sideways) {
    event.preventDefault();
    pan(clamp(sideways, -400, 400) / 1000);
  }
}

function connectAxis(setTime) {
  axis.addEventListener("pointerdown", (event) => {
    axis.setPointerCapture(event.pointerId);
    setTime(timeAt(event.clientX));
  });
  axis.addEventListener("pointermove", (event) => {
    if (axis.hasPointerCapture(event.pointerId)) setTime(timeAt(event.clientX));
  });
  axis.addEventListener("keydown", (event) => {
    const length = chosen.view.end - chosen.view.start;
    const steps = {
      ArrowLeft: -length / 100, ArrowDown: -length / 100, PageDown: -length / 10,
      ArrowRight: length / 100, ArrowUp: length / 100, PageUp: length / 10,
      Home: -endOfTime, End: endOfTime,
    };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    setTime(chosen.time + steps[event.key]);
    reveal(chosen.time);
  });
}

// A press on the bars sets the time; a drag across them marks the span to zoom in on.
function connectLanes(setTime) {
  let from = null;
  const stop = () => {
    from = null;
    selection.hidden = true;
  };
  rowsBox.addEventListener("pointerdown", (event) => {
    const inLanes = event.clientX >= axis.getBoundingClientRect().left;
    const onScrollbar = event.offsetX > rowsBox.clientWidth && event.target === rowsBox;
    if (event.button === 0 && inLanes && !onScrollbar) from = event.clientX;
  });
  addEventListener("pointermove", (event) => {
    if (from === null || Math.abs(event.clientX - from) < 5) return;
    const [left, right] = [timeAt(from), timeAt(event.clientX)].sort(byNumber).map(fraction);
    selection.hidden = false;
    selection.style.left = `${100 * left}%`;
    selection.style.width = `${100 * (right - left)}%`;
  });
  addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [start, end] = [timeAt(from), timeAt(event.clientX)].sort(byNumber);
    if (!selection.hidden && end > start) setView(start, end);
    else setTime(timeAt(event.clientX));
    stop();
  });
  addEventListener("pointercancel", stop);
}

function pressRow(event, setTime) {
  const row = event.target.closest(".row");
  if (!row) return;
  makeActive(Number(row.dataset.index), false);
  if (!event.target.closest(".label")) return;
  const { relation, subject } = rows[activeRow];
  if (relation) goTo(relation, setTime);
  else fold(subject, !closedGroups.has(subject));
}

function goTo(relation, setTime) {
  setTime(relation.start);
  reveal(relation.start);
}

function fold(subject, closed) {
  if (closed) closedGroups.add(subject);
  else closedGroups.delete(subject);
  updateRows();
  makeActive(activeRow);
}

function makeActive(index, focus = true) {
  drawnRows.get(activeRow)?.setAttribute("tabindex", -1);
  activeRow = clamp(index, 0, rows.length - 1);
  const above = rows[activeRow].relation ? ROW : 0; // room for the pinned subject
  rowsBox.scrollTop = Math.min(rowsBox.scrollTop, activeRow * ROW - above);
  const bottom = (activeRow + 1) * ROW - rowsBox.clientHeight;
  if (bottom > rowsBox.scrollTop) rowsBox.scrollTop = bottom;
  drawRows();
  const row = drawnRows.get(activeRow);
  row.tabIndex = 0;
  if (focus) row.focus({ preventScroll: true, focusVisible: true });
}

function moveInRows(event, setTime) {
  if (!rows.length || event.ctrlKey || event.metaKey || event.altKey) return;
  const { relation, subject } = rows[activeRow];
  const page = Math.max(1, Math.floor(rowsBox.clientHeight / ROW) - 1);
  const group = () => rows.findIndex((row) => row.subject === subject);
  const actions = {
    ArrowDown: () => makeActive(activeRow + 1),
    ArrowUp: () => makeActive(activeRow - 1),
    PageDown: () => makeActive(activeRow + page),
    PageUp: () => makeActive(activeRow - page),
    Home: () => makeActive(0),
    End: () => makeActive(rows.length - 1),
    ArrowLeft: () => (relation ? makeActive(group()) : fold(subject, true)),
    ArrowRight: () => !relation && fold(subject, false),
    Enter: () => (relation ? goTo(relation, setTime) : fold(subject, !closedGroups.has(subject))),
  };
  if (!(event.key in actions)) return;
  event.preventDefault();
  actions[event.key]();
}

// Bring a relation's row into sight and focus it, unfolding its group if need be.
function showRelation(relation) {
  if (closedGroups.delete(relation.subject)) updateRows();
  const index = rows.findIndex((row) => row.relation === relation);
  if (index >= 0) makeActive(index);
}
