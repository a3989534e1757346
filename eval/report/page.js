"use strict";

// The browser of questions: filters, a list, and one question with every answer. The address
// names what is shown (#pair=0&only=first&type=CW&q=id), so that a question can be linked.

const data = JSON.parse(document.getElementById("data").textContent);
const PAGE = 200;
const field = Object.fromEntries(
  ["pair", "only", "type", "find"].map((id) => [id, document.getElementById(id)]),
);
const list = document.getElementById("list");
const detail = document.getElementById("detail");
let hits = [];
let shown = 0;
let open = null;

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function seconds(span) {
  return `${span[0].toFixed(1)}\u2013${span[1].toFixed(1)} s`;
}

function pair() {
  return data.pairs[Number(field.pair.value)] ?? [0, 0];
}

function rightOf(question, place) {
  const answer = question.answers[place];
  return answer && answer.right !== null ? answer.right : null;
}

const OUTCOMES = {
  first: (a, b) => a === true && b === false,
  second: (a, b) => a === false && b === true,
  both: (a, b) => a === true && b === true,
  neither: (a, b) => a === false && b === false,
};

function fits(question, only, type, words) {
  const [first, second] = pair();
  if (type && question.type !== type) return false;
  if (only === "lost" && ![first, second].some((i) => question.answers[i]?.state)) return false;
  const rule = OUTCOMES[only];
  if (rule && !rule(rightOf(question, first), rightOf(question, second))) return false;
  if (!words.length) return true;
  const text = [question.id, question.video, question.text, ...question.choices]
    .join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function mark(right) {
  if (right === null) return element("span", "\u2013", "mark soft");
  return right ? element("span", "\u2713", "mark yes") : element("span", "\u2717", "mark no");
}

function row(question) {
  const made = element("div");
  made.setAttribute("role", "option");
  made.setAttribute("aria-selected", String(question === open));
  const places = data.pairs.length ? pair() : data.systems.map((_, i) => i);
  for (const place of places) made.append(mark(rightOf(question, place)));
  made.append(` ${question.text} `, element("span", `${question.type} ${question.id}`, "soft"));
  made.addEventListener("click", () => pick(question));
  return made;
}

function more() {
  list.querySelector("button")?.remove();
  list.append(...hits.slice(shown, shown + PAGE).map(row));
  shown = Math.min(hits.length, shown + PAGE);
  if (shown < hits.length) {
    const button = element("button", `Show more (${hits.length - shown} left)`);
    button.type = "button";
    button.addEventListener("click", more);
    list.append(button);
  }
}

function refresh() {
  const words = field.find.value.toLowerCase().split(/\s+/).filter(Boolean);
  hits = data.questions.filter((q) => fits(q, field.only.value, field.type.value, words));
  shown = 0;
  list.replaceChildren();
  more();
  const [first, second] = pair();
  const legend = data.pairs.length
    ? ` Marks: ${data.systems[first]}, then ${data.systems[second]}.`
    : "";
  document.getElementById("count").textContent =
    `${hits.length} of ${data.questions.length} questions.${legend}`;
}

function remember() {
  const told = new URLSearchParams();
  for (const name of ["pair", "only", "type", "find"]) {
    if (field[name].value) told.set(name, field[name].value);
  }
  if (open) told.set("q", open.id);
  history.replaceState(null, "", `#${told}`);
}

function choose(question) {
  open = question;
  for (const item of list.querySelectorAll("[role=option]")) {
    item.setAttribute("aria-selected", "false");
  }
  const place = hits.indexOf(question);
  if (place >= 0 && place < shown) {
    const item = list.querySelectorAll("[role=option]")[place];
    item.setAttribute("aria-selected", "true");
    const above = item.offsetTop - list.offsetTop;
    const below = above + item.offsetHeight - list.clientHeight;
    // Only the list scrolls: the page stays where the reader is.
    list.scrollTop = Math.min(above, Math.max(below, list.scrollTop));
  }
  show(question);
}

function pick(question) {
  choose(question);
  remember();
}

function named(question, value) {
  if (value === null) return "no answer";
  if (typeof value !== "number" || !question.choices.length) return String(value);
  return `${String.fromCharCode(65 + value)}. ${question.choices[value] ?? ""}`;
}

function show(question) {
  const parts = [element("h3", question.text)];
  const about = [`video ${question.video}`, question.type, `question ${question.id}`];
  if (question.when.length) about.push(`to be seen at ${question.when.map(seconds).join(", ")}`);
  parts.push(element("p", about.filter(Boolean).join(" \u00b7 "), "soft"));
  if (question.choices.length) {
    const options = element("ol");
    question.choices.forEach((choice, i) => {
      options.append(element("li", choice, i === question.gold ? "gold" : ""));
    });
    parts.push(options);
  } else {
    parts.push(element("p", `Right: ${question.gold}`, "gold"));
  }
  const [first, second] = pair();
  const rest = data.systems.map((_, i) => i).filter((i) => i !== first && i !== second);
  const order = data.pairs.length ? [first, second, ...rest] : rest.concat(first);
  for (const place of new Set(order)) parts.push(...answer(question, place));
  detail.replaceChildren(...parts);
}

function answer(question, place) {
  const found = question.answers[place];
  const head = element("h4");
  head.append(mark(rightOf(question, place)), ` ${data.systems[place]}`);
  if (!found) return [head, element("p", "was not asked", "soft")];
  const said = element("p", found.state && found.prediction === null
    ? found.state
    : named(question, found.prediction) + (found.state ? ` (${found.state})` : ""));
  if (found.confidence !== null) {
    said.append(element("span", ` confidence ${found.confidence.toFixed(2)}`, "soft"));
  }
  const parts = [head, said];
  if (found.error) parts.push(element("p", found.error, "no"));
  if (found.text) parts.push(element("p", found.text));
  if (found.when.length) parts.push(element("p", `says ${found.when.map(seconds).join(", ")}`, "soft"));
  if (found.evidence.length) {
    const proof = element("ul");
    for (const [id, span, sentence] of found.evidence) {
      proof.append(element("li", `${sentence} (${seconds(span)}${id ? `, ${id}` : ""})`));
    }
    parts.push(element("p", "Evidence", "soft"), proof);
  }
  if (found.graph !== null) {
    const told = element("details");
    told.append(element("summary", "Graph text"), element("pre", data.graphs[found.graph]));
    parts.push(told);
  }
  return parts;
}

function restore() {
  const told = new URLSearchParams(location.hash.slice(1));
  const names = ["pair", "only", "type", "find", "q"];
  if (location.hash && !names.some((name) => told.has(name))) return;
  for (const name of ["pair", "only", "type", "find"]) {
    const first = name === "pair" ? "0" : "";
    field[name].value = told.get(name) ?? first;
    if (field[name].selectedIndex === -1) field[name].selectedIndex = 0;
  }
  refresh();
  const wanted = data.questions.find((question) => question.id === told.get("q"));
  if (wanted ?? hits[0]) choose(wanted ?? hits[0]);
  if (location.hash.length > 1 && names.some((name) => told.has(name))) {
    document.getElementById("questions").scrollIntoView();
  }
}

data.pairs.forEach(([first, second], i) => {
  const option = element("option", `${data.systems[first]} against ${data.systems[second]}`);
  option.value = String(i);
  field.pair.append(option);
});
field.pair.parentElement.hidden = !data.pairs.length;
const every = element("option", "all");
every.value = "";
field.type.append(every, ...data.types.map((type) => element("option", type)));
field.type.parentElement.hidden = !data.types.length;

document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
for (const input of Object.values(field)) {
  input.addEventListener("input", () => {
    refresh();
    if (open && !hits.includes(open)) open = null;
    if (!open && hits.length) choose(hits[0]);
    else if (!hits.length) detail.replaceChildren();
    remember();
    if (open) show(open);
  });
}
list.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = hits[Math.max(0, Math.min(shown - 1, hits.indexOf(open) + step))];
  if (next) pick(next);
});
window.addEventListener("hashchange", restore);
refresh();
restore();
