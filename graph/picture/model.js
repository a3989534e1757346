"use strict";

// What the page knows (the graph in this file) and what the reader has chosen.

const CAMERA = -1;
const KINDS = [
  "event", "contact", "motion", "spatial", "functional", "social", "attentional", "stateful",
];

const { graph: scene, words } = JSON.parse(document.getElementById("data").textContent);
const alone = new Set(words.alone);

const byNumber = (a, b) => a - b;
const naturally = new Intl.Collator("en", { numeric: true }).compare;

const objects = [...scene.objects].sort((a, b) => a.id - b.id);
const objectById = new Map(objects.map((item) => [item.id, item]));
const relations = scene.relations
  .map((relation, index) => modelOf(relation, words.sentences[index]))
  .sort((a, b) => a.start - b.start || a.end - b.end || naturally(a.id, b.id));
const relationById = new Map(relations.map((relation) => [relation.id, relation]));

const endOfTime = objects.reduce(
  (latest, item) => Math.max(latest, ...item.presence.slice(-1).map((span) => span[1])),
  relations.reduce((latest, relation) => Math.max(latest, relation.end), scene.video.duration_s),
) || 1;

const chosen = {
  view: { start: 0, end: endOfTime },
  time: relations.length ? relations[0].start : 0,
  object: null,
  predicate: null,
  words: [],
  hiddenKinds: new Set(),
};

function modelOf(relation, sentence) {
  const { intervals } = relation;
  return {
    ...relation,
    sentence,
    start: intervals[0][0],
    end: intervals[intervals.length - 1][1],
    rest: sentence.slice(nameOf(relation.subject).length + 1),
    searchable: `${sentence} ${relation.id} ${relation.kind} ${relation.source}`.toLowerCase(),
  };
}

function nameOf(id) {
  return words.names[id];
}

function participants(relation) {
  const others = [relation.object, relation.recipient];
  const ends = [relation.subject, ...others.filter((id) => id !== null && !onNode(relation))];
  return [...new Set(ends)];
}

// Said of one object only: the camera in the second place is no second participant.
function onNode(relation) {
  const single = relation.object === CAMERA && alone.has(relation.predicate);
  return single || relation.object === relation.subject;
}

function fits(relation) {
  return (
    !chosen.hiddenKinds.has(relation.kind) &&
    (chosen.predicate === null || relation.predicate === chosen.predicate) &&
    (chosen.object === null || participants(relation).includes(chosen.object)) &&
    chosen.words.every((word) => relation.searchable.includes(word))
  );
}

// Spans are half-open; one without length is a moment; the video's end is its last moment.
function covers(intervals, time) {
  const moment = Math.min(time, endOfTime * (1 - Number.EPSILON / 2));
  return intervals.some(
    ([start, end]) => start <= moment && (moment < end || (start === end && start === moment)),
  );
}

function holdingAt(time) {
  return relations.filter((relation) => fits(relation) && covers(relation.intervals, time));
}

// Present is who is visible then, or takes part in what holds then.
function presentAt(time) {
  const ids = new Set(objects.filter((item) => covers(item.presence, time)).map((o) => o.id));
  for (const relation of relations) {
    if (covers(relation.intervals, time)) participants(relation).forEach((id) => ids.add(id));
  }
  return [...ids].sort(byNumber);
}

function seconds(time) {
  return `${time.toFixed(2)} s`;
}

function spanText([start, end]) {
  return start === end ? seconds(start) : `${start.toFixed(2)} – ${seconds(end)}`;
}

function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

// -- elements -----------------------------------------------------------------------------

function byId(id) {
  return document.getElementById(id);
}

// Text goes in as text, never as markup: labels come from models and videos.
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
