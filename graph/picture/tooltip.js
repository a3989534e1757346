// The tooltip: what a relation or an object is, beside the pointer or the focused element.

const tip = byId("tip");
const MOST_TIMES = 8;

function relationCard(relation, hovered = -1) {
  const card = element("div", `card kind-${relation.kind}`);
  const head = element("p", "card-head");
  head.append(element("b", "", relation.id), ` ${relation.sentence}`);
  const facts = element("dl");
  addFact(facts, "kind", relation.kind);
  addFact(facts, "times", timesOf(relation, hovered));
  addFact(facts, "score", relation.score === null ? "not given" : relation.score.toFixed(2));
  addFact(facts, "source", relation.source);
  card.append(head, facts);
  return card;
}

function addFact(list, name, value) {
  const detail = element("dd");
  detail.append(value);
  list.append(element("dt", "", name), detail);
}

function timesOf(relation, hovered) {
  const { intervals } = relation;
  const box = element("span");
  const first = clamp(hovered - MOST_TIMES + 1, 0, Math.max(0, intervals.length - MOST_TIMES));
  intervals.slice(first, first + MOST_TIMES).forEach((span, index) => {
    const isHovered = first + index === hovered && intervals.length > 1;
    box.append(index ? ", " : "", element(isHovered ? "b" : "span", "", spanText(span)));
  });
  const more = intervals.length - MOST_TIMES;
  if (more > 0) box.append(`, and ${more} more`);
  return box;
}

function objectCard(id) {
  const card = element("div", "card");
  card.append(element("p", "card-head", nameOf(id)));
  const item = objectById.get(id);
  if (!item) return card;
  const facts = element("dl");
  if (item.attributes.length) addFact(facts, "is", item.attributes.join(", "));
  addFact(facts, "visible", presenceText(item));
  if (item.score !== null) addFact(facts, "score", item.score.toFixed(2));
  card.append(facts);
  return card;
}

function presenceText(item) {
  const { presence } = item;
  if (!presence.length) return "times not known";
  const whole = spanText([presence[0][0], presence[presence.length - 1][1]]);
  return presence.length === 1 ? whole : `${whole}, in ${presence.length} parts`;
}

function showTip(cards, x, y) {
  tip.replaceChildren(...cards);
  tip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tip;
  const below = y + 18 + height <= innerHeight;
  tip.style.left = `${clamp(x + 14, 4, Math.max(4, innerWidth - width - 4))}px`;
  tip.style.top = `${below ? y + 18 : Math.max(4, y - height - 12)}px`;
}

function hideTip() {
  tip.hidden = true;
}

// What an element of the page stands for, as cards; none if it stands for nothing.
function cardsOf(target) {
  const marked = target.closest?.("[data-relations], [data-object]");
  if (!marked) return [];
  if (marked.dataset.object) return [objectCard(Number(marked.dataset.object))];
  const hovered = Number(target.closest("[data-interval]")?.dataset.interval ?? -1);
  const found = marked.dataset.relations.split(" ").map((id) => relationById.get(id));
  const cards = found.slice(0, 4).map((relation) => relationCard(relation, hovered));
  if (found.length > 4) cards.push(element("p", "card", `and ${found.length - 4} more`));
  return cards;
}

function connectTip() {
  document.addEventListener("pointermove", (event) => {
    const cards = event.buttons ? [] : cardsOf(event.target);
    if (cards.length) showTip(cards, event.clientX, event.clientY);
    else hideTip();
  });
  document.addEventListener("pointerleave", hideTip);
  document.addEventListener("focusin", (event) => {
    const cards = event.target.matches(":focus-visible") ? cardsOf(event.target) : [];
    if (!cards.length) return hideTip();
    const box = event.target.getBoundingClientRect();
    return showTip(cards, box.left + Math.min(40, box.width / 2), box.bottom - 10);
  });
  document.addEventListener("focusout", hideTip);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTip();
  });
}
