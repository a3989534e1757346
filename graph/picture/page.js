// The page as a whole: filters, the list of objects, what holds at the time, and playing.

const MOST_LISTED = 500;
const MOST_HOLDING = 200;
let playing = null;

// -- what changes together ------------------------------------------------------------------

function filtersChanged() {
  hideTip();
  rowsBox.scrollTop = 0;
  activeRow = 0;
  updateRows();
  markObjects();
  momentChanged();
  byId("clear").disabled = !(
    chosen.object !== null || chosen.predicate !== null ||
    chosen.words.length || chosen.hiddenKinds.size
  );
}

function momentChanged() {
  byId("now").textContent = seconds(chosen.time);
  drawCursor();
  drawNetwork();
  listHolding();
  markPresent();
}

function setTime(time) {
  chosen.time = clamp(time, 0, endOfTime);
  momentChanged();
}

function pickObject(id) {
  chosen.object = chosen.object === id ? null : id;
  byId("object").value = chosen.object ?? "";
  filtersChanged();
}

// -- filters --------------------------------------------------------------------------------

function option(value, text) {
  const made = element("option", "", text);
  made.value = value;
  return made;
}

function count(names) {
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function fillFilters() {
  const related = count(relations.flatMap(participants));
  const ids = objects.map((item) => item.id).concat(related.has(CAMERA) ? [CAMERA] : []);
  byId("object").append(
    option("", "all objects"),
    ...ids.map((id) => option(id, `${nameOf(id)} (${related.get(id) ?? 0})`)),
  );
  const predicates = [...count(relations.map((relation) => relation.predicate))];
  predicates.sort(([a], [b]) => naturally(a, b));
  byId("predicate").append(
    option("", "all predicates"),
    ...predicates.map(([name, times]) => option(name, `${name} (${times})`)),
  );
  const kinds = count(relations.map((relation) => relation.kind));
  byId("kinds").append(...KINDS.filter((kind) => kinds.has(kind)).map(kindButton));
}

// The legend is a filter too: a kind that is pressed out is not shown.
function kindButton(kind) {
  const button = element("button", `kind kind-${kind}`);
  button.type = "button";
  button.dataset.kind = kind;
  button.setAttribute("aria-pressed", true);
  button.append(element("span", "swatch"), kind);
  button.addEventListener("click", () => {
    const shown = chosen.hiddenKinds.delete(kind);
    if (!shown) chosen.hiddenKinds.add(kind);
    button.setAttribute("aria-pressed", shown);
    filtersChanged();
  });
  return button;
}

function readFilters() {
  const object = byId("object").value;
  chosen.object = object === "" ? null : Number(object);
  chosen.predicate = byId("predicate").value || null;
  chosen.words = byId("text").value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  filtersChanged();
}

function connectFilters() {
  const form = byId("filters");
  form.addEventListener("input", readFilters);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    chosen.hiddenKinds.clear();
    for (const button of byId("kinds").children) button.setAttribute("aria-pressed", true);
    setTimeout(readFilters);
  });
}

// -- lists ----------------------------------------------------------------------------------

function listObjects() {
  const related = count(relations.flatMap(participants));
  byId("object-list").append(
    ...objects.slice(0, MOST_LISTED).map((item) => objectEntry(item, related.get(item.id) ?? 0)),
  );
  const all = objects.length.toLocaleString("en");
  byId("objects-remark").textContent =
    objects.length > MOST_LISTED ? `first ${MOST_LISTED} of ${all}` : all;
}

function objectEntry(item, relationCount) {
  const button = element("button", "entry");
  button.type = "button";
  button.dataset.object = item.id;
  const attributes = item.attributes.map((name) => element("span", "attribute", name));
  const presence = element("span", "presence-bar");
  presence.append(...item.presence.map(presencePart));
  const head = element("span", "entry-head");
  head.append(
    element("span", "name", nameOf(item.id)), element("span", "count", relationCount),
  );
  const times = element("span", "times", presenceText(item));
  button.append(head, ...attributes, times, presence);
  const entry = element("li");
  entry.append(button);
  return entry;
}

function presencePart([start, end]) {
  const part = element("span", "part");
  part.style.left = `${(100 * start) / endOfTime}%`;
  part.style.width = `${(100 * (end - start)) / endOfTime}%`;
  return part;
}

function markObjects() {
  for (const entry of byId("object-list").querySelectorAll(".entry")) {
    entry.setAttribute("aria-pressed", Number(entry.dataset.object) === chosen.object);
  }
}

function markPresent() {
  const present = new Set(presentAt(chosen.time));
  for (const entry of byId("object-list").querySelectorAll(".entry")) {
    entry.classList.toggle("absent", !present.has(Number(entry.dataset.object)));
  }
}

function listHolding() {
  const holding = holdingAt(chosen.time);
  byId("holding-count").textContent = holding.length.toLocaleString("en");
  byId("holding-list").replaceChildren(...holding.slice(0, MOST_HOLDING).map(holdingEntry));
  if (holding.length > MOST_HOLDING) {
    const more = `and ${holding.length - MOST_HOLDING} more; filter to see them`;
    byId("holding-list").append(element("li", "remark", more));
  }
}

function holdingEntry(relation) {
  const button = element("button", `entry kind-${relation.kind}`);
  button.type = "button";
  button.dataset.relations = relation.id;
  button.append(
    element("span", "swatch"), element("span", "name", relation.sentence),
    element("span", "id", relation.id),
  );
  const entry = element("li");
  entry.append(button);
  return entry;
}

function connectLists() {
  byId("object-list").addEventListener("click", (event) => {
    const entry = event.target.closest(".entry");
    if (entry) pickObject(Number(entry.dataset.object));
  });
  byId("holding-list").addEventListener("click", (event) => {
    const entry = event.target.closest(".entry");
    if (entry) showRelation(relationById.get(entry.dataset.relations));
  });
}

// -- playing and keys -----------------------------------------------------------------------

function play(on) {
  cancelAnimationFrame(playing);
  playing = null;
  byId("play").setAttribute("aria-pressed", on);
  byId("play").textContent = on ? "Pause" : "Play";
  if (!on) return;
  if (chosen.time >= endOfTime) setTime(0);
  let before = null;
  const step = (now) => {
    setTime(chosen.time + (before === null ? 0 : (now - before) / 1000));
    reveal(chosen.time);
    before = now;
    if (chosen.time >= endOfTime) play(false);
    else playing = requestAnimationFrame(step);
  };
  playing = requestAnimationFrame(step);
}

function connectKeys() {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") zoom(0.5);
    if (event.key === "-") zoom(2);
    if (event.key === "0") setView(0, endOfTime);
  });
}

// -- start ----------------------------------------------------------------------------------

function describeVideo() {
  const { duration_s: duration, resolution_wh: size, fps } = scene.video;
  const facts = [
    seconds(duration), `${size.join(" × ")} pixels`, `${fps.toFixed(fps % 1 ? 2 : 0)} frames/s`,
    counted(objects.length, "object"), counted(relations.length, "relation"),
  ];
  if (objects.some((item) => item.uncertain)) facts.push("“?” marks a guessed label");
  byId("summary").textContent = facts.join(" · ");
  const notes = byId("notes");
  notes.hidden = words.notes.length === 0;
  notes.querySelector("summary").textContent = counted(words.notes.length, "remark");
  notes.querySelector("ul").append(...words.notes.map((note) => element("li", "", note)));
}

describeVideo();
fillFilters();
listObjects();
connectFilters();
connectLists();
connectTimeline(setTime);
connectNetwork(pickObject);
connectTip();
connectKeys();
byId("play").addEventListener("click", () => play(playing === null));
fitOverlay();
filtersChanged();
