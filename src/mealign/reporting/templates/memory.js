"use strict";
(() => {
  const { facts, names, topics, documents } = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 40;
  const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December"];
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  const spoken = (day) => {
    const [year, month, date] = day.split("-");
    return `${Number(date)} ${MONTHS[Number(month) - 1]} ${Number(year)}`;
  };
  // Letters without their accents, so that "tomas" finds "Tomás".
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  facts.forEach((fact, index) => {
    fact.index = index;
    fact.sought = plain(`${fact.statement} ${fact.names.map((name) => names[name]).join(" ")}`);
    fact.previous = [];
  });
  facts.forEach((fact) => { if (fact.next >= 0) facts[fact.next].previous.push(fact.index); });
  const dated = [...facts].sort((a, b) => (a.from < b.from ? 1 : a.from > b.from ? -1 : a.index - b.index));

  // The list of facts, and what narrows it.
  const filter = { query: "", name: "", topic: -1, month: "", changed: false };
  let shown = PAGE;

  function matches(fact) {
    return filter.query.split(/\s+/).every((word) => fact.sought.includes(word))
      && (!filter.name || fact.names.some((name) => names[name] === filter.name))
      && (filter.topic < 0 || fact.topic === filter.topic)
      && fact.from.startsWith(filter.month)
      && (!filter.changed || fact.next >= 0 || fact.previous.length > 0);
  }

  function renderList() {
    const found = dated.filter(matches);
    byId("list").replaceChildren(...found.slice(0, shown).map((fact) => {
      const statement = element("span", { textContent: fact.statement, className: fact.until ? "over" : "" });
      const when = element("time", { textContent: fact.from ? spoken(fact.from) : "always" });
      const button = element("button", { type: "button", className: "fact" }, when, statement);
      button.dataset.fact = fact.index;
      return element("li", {}, button);
    }));
    const rest = found.length - shown;
    byId("found").textContent = `${found.length.toLocaleString("en")} of ${facts.length.toLocaleString("en")} facts`;
    byId("more").hidden = rest <= 0;
    byId("more").textContent = `Show ${Math.min(PAGE, rest)} more of ${rest.toLocaleString("en")}`;
    byId("changed").setAttribute("aria-pressed", String(filter.changed));
    all(".bars button").forEach((bar) => bar.setAttribute("aria-pressed", String(bar.dataset.month === filter.month)));
    renderFilters();
    markChosen();
  }

  function renderFilters() {
    const active = [];
    if (filter.name) active.push([filter.name, () => narrow({ name: "" })]);
    if (filter.topic >= 0) active.push([topics[filter.topic], () => narrow({ topic: -1 })]);
    if (filter.month) active.push([`${MONTHS[Number(filter.month.slice(5)) - 1]} ${Number(filter.month.slice(0, 4))}`,
      () => narrow({ month: "" })]);
    byId("filters").replaceChildren(...active.map(([text, undo]) => {
      const chip = element("button", { type: "button", className: "filter", textContent: `${text} ×`, onclick: undo });
      chip.setAttribute("aria-label", `No longer only ${text}`);
      return chip;
    }));
  }

  function narrow(change) {
    Object.assign(filter, change);
    shown = PAGE;
    renderList();
    if ("name" in change) light(filter.name ? [filter.name] : []);
  }

  function narrowAndGo(change) {
    narrow({ name: "", topic: -1, month: "", ...change });
    byId("facts").scrollIntoView();
  }

  // Where a fact comes from.
  let chosen = -1;

  function link(index) {
    const { statement, id } = facts[index];
    const made = element("a", { className: "fact-link", href: `#${id}`, textContent: statement });
    made.dataset.fact = index;
    return made;
  }

  function versions(title, indices) {
    if (!indices.length) return [];
    const items = indices.map((index) => element("li", {}, link(index)));
    return [element("h4", { textContent: title }), element("ul", { className: "versions" }, ...items)];
  }

  function choose(index) {
    chosen = index;
    const fact = facts[index];
    const source = documents[fact.document];
    const from = fact.from ? `since ${spoken(fact.from)}` : "always";
    const close = element("button", { type: "button", className: "close", textContent: "×", onclick: forget });
    close.setAttribute("aria-label", "Close");
    const mark = element("mark", { textContent: source.text.slice(fact.start, fact.end) });
    const chips = fact.names.map((name) => {
      const chip = element("button", { type: "button", textContent: names[name] });
      chip.dataset.name = names[name];
      return chip;
    });
    const panel = byId("source");
    panel.replaceChildren(
      close,
      element("h3", { textContent: fact.statement }),
      element("p", { className: "when", textContent: fact.until ? `${from}, until ${spoken(fact.until)}` : from }),
      element("div", { className: "chips" }, ...chips),
      ...versions("Replaced by", fact.next >= 0 ? [fact.next] : []),
      ...versions("Replaced", fact.previous),
      element("h4", { textContent: "Source" }),
      element("p", { className: "path", textContent: `${source.source}, ${source.author}, ${spoken(source.date)}` }),
      element("blockquote", {}, source.text.slice(0, fact.start), mark, source.text.slice(fact.end)),
      element("h4", { textContent: "Id" }),
      element("code", { textContent: fact.id }),
    );
    panel.scrollTop = 0;
    const quote = mark.parentElement;
    quote.scrollTop = mark.offsetTop - quote.offsetTop - quote.clientHeight / 3;
    light(fact.names.map((name) => names[name]), index);
    markChosen();
    history.replaceState(null, "", `#${fact.id}`);
  }

  function forget() {
    chosen = -1;
    byId("source").replaceChildren(
      element("p", { className: "hint", textContent: "Choose a sentence, a bead of the map or a fact to see where it comes from." }),
    );
    light([]);
    markChosen();
    history.replaceState(null, "", location.pathname);
  }

  function markChosen() {
    all("[data-fact]").forEach((item) => item.classList.toggle("chosen", Number(item.dataset.fact) === chosen));
  }

  // The map. A name lights what it is joined to; a fact lights the names it joins.
  const graph = byId("graph");
  const whole = graph.viewBox.baseVal;
  const view = { x: 0, y: 0, width: whole.width, height: whole.height };
  const [width, height] = [view.width, view.height];

  function light(lit, fact = -1) {
    const drawn = new Set(all(".place").map((place) => place.dataset.name));
    const ends = lit.filter((name) => drawn.has(name));
    graph.classList.toggle("focused", ends.length > 0);
    const joined = new Set(ends);
    all(".line, .bead", graph).forEach((item) => {
      const between = item.dataset.names.split("\n");
      const touches = fact >= 0 ? between.every((name) => ends.includes(name)) : between.includes(ends[0]);
      item.classList.toggle("lit", touches);
      if (touches && fact < 0) between.forEach((name) => joined.add(name));
    });
    all(".place", graph).forEach((place) => place.classList.toggle("lit", joined.has(place.dataset.name)));
  }

  function look() {
    graph.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  }

  function zoom(factor, x = view.x + view.width / 2, y = view.y + view.height / 2) {
    const wide = Math.min(width, Math.max(width / 8, view.width / factor));
    const scale = wide / view.width;
    Object.assign(view, {
      x: x - (x - view.x) * scale, y: y - (y - view.y) * scale, width: wide, height: wide * height / width,
    });
    keepInside();
  }

  function keepInside() {
    view.x = Math.min(width - view.width, Math.max(0, view.x));
    view.y = Math.min(height - view.height, Math.max(0, view.y));
    look();
  }

  const zooms = { in: () => zoom(1.5), out: () => zoom(1 / 1.5), reset: () => zoom(1 / 100) };
  all("[data-zoom]").forEach((button) => button.addEventListener("click", zooms[button.dataset.zoom]));
  // With Ctrl or Cmd, as in maps: a page that scrolls must not be caught by its picture. A pinch arrives the same way.
  graph.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(graph.getScreenCTM().inverse());
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, place.x, place.y);
  }, { passive: false });

  let drag = null;
  graph.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, y: event.clientY, moved: false }; });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const scale = view.width / graph.clientWidth;
    const [across, down] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(across, down) < 4) return;
    Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
    graph.classList.add("dragging");
    view.x -= across * scale;
    view.y -= down * scale;
    keepInside();
  });
  let dragged = false;
  window.addEventListener("pointerup", () => {
    dragged = Boolean(drag && drag.moved);
    drag = null;
    graph.classList.remove("dragging");
  });

  graph.addEventListener("click", (event) => {
    if (dragged || event.target.closest(".place, .bead")) return;
    light([]);
  });
  graph.addEventListener("keydown", (event) => {
    const place = event.target.closest(".place");
    if (place && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      narrow({ name: place.dataset.name });
    }
  });

  // One listener for everything that stands for a fact, a name, a topic or a month.
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-fact], [data-name], [data-topic], [data-month]");
    if (!target || (dragged && graph.contains(target))) return;
    const { fact, name, topic, month } = target.dataset;
    event.preventDefault();
    if (fact !== undefined) choose(Number(fact));
    else if (name !== undefined && graph.contains(target)) narrow({ name });
    else if (name !== undefined) narrowAndGo({ name });
    else if (topic !== undefined) narrowAndGo({ topic: Number(topic) });
    else narrowAndGo({ month: filter.month === month ? "" : month });
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") forget(); });
  byId("query").addEventListener("input", (event) => narrow({ query: plain(event.target.value.trim()) }));
  byId("changed").addEventListener("click", () => narrow({ changed: !filter.changed }));
  byId("more").addEventListener("click", () => { shown += PAGE; renderList(); });
  all(".voices button").forEach((button) => button.addEventListener("click", () => {
    byId("bio").dataset.voice = button.dataset.voice;
    all(".voices button").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  }));
  // Heights are set here: the page's policy admits no style attribute in its text.
  all(".bar").forEach((bar) => { bar.style.height = `${0.9 * Number(bar.dataset.height)}px`; });
  all("[data-more]").forEach((box) => {
    const rest = Array.from(box.children).slice(Number(box.dataset.more));
    if (!rest.length) return;
    rest.forEach((item) => { item.hidden = true; });
    const button = element("button", { type: "button", className: "all", textContent: `All ${box.children.length}` });
    button.addEventListener("click", () => { rest.forEach((item) => { item.hidden = false; }); button.remove(); });
    box.after(button);
  });

  renderList();
  const asked = facts.findIndex((fact) => `#${fact.id}` === location.hash);
  if (asked >= 0) choose(asked);
})();
