"use strict";
// Shows one view of the page at a time and draws its charts from the JSON in the page, marks a moment in all of them,
// tells how old each number is, and follows what is new. All numbers are in the page without it. Times are Unix
// seconds; plotly knows no time zones, so it is given Japan's wall clock as if that were UTC.

const root = document.documentElement;
root.classList.add("js");
const DAY = 86400, JST = 9 * 3600, LEAST_SHOWN = 300; // seconds
const served = root.dataset.live; // the address of what is new; a file has none
const byId = (id) => document.getElementById(id);
let page, series, traces; // what `read` finds in the page

// --- times -------------------------------------------------------------------------

const toPlot = (time) => (time + JST) * 1000;

function fromPlot(at) { // milliseconds, or "2026-11-23 18:30:05.25", or less of it
  if (typeof at === "number") return at / 1000 - JST;
  const [year, month, ...rest] = at.split(/\D/).map(Number);
  return Date.UTC(year, month - 1, ...rest.slice(0, 4)) / 1000 - JST;
}

const clock = (options) => new Intl.DateTimeFormat(root.lang, { timeZone: "Asia/Tokyo", ...options });
const DATE = clock({ month: "short", day: "numeric", weekday: "short" });
const TIME = clock({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const MONTH = clock({ year: "numeric", month: "long" });

const PERIOD = { // how the period, or moment, of a cut is called
  "readings": (time) => TIME.format(time * 1000),
  "half-hour": (time) => `${TIME.format(time * 1000)}–${TIME.format((time + 1800) * 1000)}`,
  "day": (time) => DATE.format(time * 1000),
  "extents": (time) => DATE.format(time * 1000),
  "month": (time) => MONTH.format(time * 1000),
};

// --- what is in the page -------------------------------------------------------------

function unpacked([steps = [], ...columns]) { // the times come as steps from one to the next
  let time = 0;
  return [steps.map((step) => toPlot(time += step)), ...columns];
}

const mapped = (object, change) => Object.fromEntries(Object.entries(object).map(([key, of]) => [key, change(of)]));

function read() {
  page = { panels: [], series: {}, prices: {}, texts: {}, ...JSON.parse(byId("page")?.textContent || "{}") };
  series = mapped(page.series, (names) => mapped(names, unpacked));
  traces = new Map();
  for (const [name, key] of [["earlier", "ArrowLeft"], ["later", "ArrowRight"]]) {
    for (const link of document.querySelectorAll(`a.${name}`)) {
      link.setAttribute("aria-keyshortcuts", key);
      link.title = page.texts[`key ${name}`] ?? "";
    }
  }
}

// --- what a trace takes of its columns; customdata is what the hover says ----------

const each = (values, change) => values.map((value) => (value === null ? null : change(value)));
const highest = (value) => Math.max(value, 0);
const lowest = (value) => Math.min(value, 0);

function area(x, values, clip) { // plotly fills across a gap: so go down to zero before it, and up after it
  const filled = { x: [], y: [] };
  values.forEach((value, i) => {
    const points = value === null ? [[x[i - 1], 0], [x[i + 1], 0]] : [[x[i], clip(value)]];
    for (const [at, height] of points) filled.x.push(at), filled.y.push(height);
  });
  return filled;
}

function blocks([low, , high], clip) { // from each day's lowest to its highest
  const base = each(low, clip);
  const y = high.map((value, i) => (value === null ? null : clip(value) - base[i]));
  return { base, y, customdata: high.map((value, i) => [low[i], value]) };
}

const TAKE = {
  "value": (x, [values]) => ({ y: values, customdata: values }),
  "value below": (x, [values]) => ({ y: each(values, (value) => (value < 0 ? value : null)) }),
  "value down": (x, [values]) => ({ y: each(values, (value) => -value), customdata: values }),
  "area": (x, [values]) => area(x, values, (value) => value),
  "area above": (x, [values]) => area(x, values, highest),
  "area below": (x, [values]) => area(x, values, lowest),
  "mean": (x, [, mean]) => ({ y: mean, customdata: mean }),
  "extent": (x, columns) => blocks(columns, (value) => value),
  "extent above": (x, columns) => blocks(columns, highest),
  "extent below": (x, columns) => blocks(columns, lowest),
};

function trace({ of, take, cut, plot }) {
  const [x, ...columns] = series[cut][of];
  const built = { ...plot, x, ...TAKE[take](x, columns) };
  if (columns.length === 2) { // kWh, and how many hours of them are known where those are not all
    if (plot.type === "bar") built.marker = { ...plot.marker, opacity: columns[1].map((hours) => (hours === null ? 1 : 0.55)) };
    built.text = columns[1].map((hours) => (hours === null ? "" : ` (${hours} h)`));
  }
  return built;
}

function coloured(value) { // "--name" stands for the style sheet's colour of that name, light or dark
  if (typeof value === "string" && value.startsWith("--")) return getComputedStyle(root).getPropertyValue(value).trim();
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return mapped(value, coloured);
}

// --- views -------------------------------------------------------------------------

let view, zoom = null, day; // the section shown, the part of it that the charts show, and a time of the day shown

const views = () => [...document.querySelectorAll(".view")];
const timesOf = (section) => [Number(section.dataset.since), Number(section.dataset.until)];
const has = (section, time) => timesOf(section)[0] <= time && time < timesOf(section)[1];
const period = () => zoom ?? timesOf(view);

function nearest(kind, time) { // the view of a kind that has a time, or else the next one
  const distance = (section) => Math.max(timesOf(section)[0] - time, time - timesOf(section)[1] + 1, 0);
  const found = views().filter((section) => section.dataset.kind === kind);
  return found.sort((one, other) => distance(one) - distance(other))[0];
}

function viewOf(hash) {
  const [, days, from, to] = hash.match(/^#(?:([\d.]+)d|(\d+)-(\d+))$/) ?? []; // as an earlier page had them
  const length = days * DAY || to - from;
  const kind = { day: 1, week: 7, month: 31, year: Infinity };
  const old = length > 0 && Object.keys(kind).find((name) => kind[name] * DAY >= length);
  const named = views().find((section) => `#${section.id}` === hash);
  return named ?? (old && nearest(old, from ? Number(from) : page.now)) ?? document.querySelector(".view.current, .view");
}

function show(section, zoomed = null) {
  const focused = view?.contains(document.activeElement) && document.activeElement;
  view?.classList.remove("shown");
  section.classList.add("shown");
  if (focused && view !== section) {
    const same = [...focused.classList].map((name) => section.querySelector(`a.${name}[href]`)).find(Boolean);
    (same ?? section.querySelector("a[href]"))?.focus({ preventScroll: true });
  }
  [view, zoom] = [section, zoomed];
  if (!has(view, day)) day = has(view, page.now) ? page.now : timesOf(view)[0];
  link();
  unmark();
  draw();
}

function link() { // day, week, month, year: each to the view that has the day shown
  for (const to of document.querySelectorAll("#kinds a[data-kind]")) {
    const found = served ? null : nearest(to.dataset.kind, day);
    if (found) to.href = `#${found.id}`;
    if (to.dataset.kind === view.dataset.kind) to.setAttribute("aria-current", "true");
    else to.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (event) => {
  const to = event.target.closest?.('a[href^="#"]');
  const section = to && views().find((each) => `#${each.id}` === to.hash);
  if (!section || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (section !== view) history.pushState(null, "", to.hash);
  show(section);
});
addEventListener("popstate", () => show(viewOf(location.hash), history.state?.zoom));

// --- drawing -----------------------------------------------------------------------

let panels = []; // those that have a place on the page, with their plot

function cuts() { // minutes are not kept for long: an old week shows its days
  const [energies, levels] = page.kinds[view.dataset.kind];
  const old = view.dataset.kind !== "day" && timesOf(view)[0] < page.detailed && page.series.extents;
  return [energies, levels === "readings" && old ? "extents" : levels];
}

function drawnIn(panel) { // the same arrays each time, so that plotly sees what has not changed
  const wanted = cuts(), key = `${panel.name} ${wanted}`;
  if (!traces.has(key)) {
    const specs = panel.traces.filter((spec) => wanted.includes(spec.cut));
    traces.set(key, specs.map((spec) => ({ ...spec, drawn: coloured(trace(spec)) })));
  }
  return traces.get(key);
}

function range(shown, axis, least, from, to) { // what can be seen, and zero
  let low = 0, high = 0;
  for (const { drawn: { x, y, base, yaxis, width = 0 } } of shown) {
    if (yaxis !== axis) continue;
    for (let i = 0; i < x.length; i++) {
      if (y[i] === null || x[i] + width < from || x[i] > to) continue;
      const bottom = base ? base[i] : 0;
      low = Math.min(low, bottom, bottom + y[i]);
      high = Math.max(high, bottom + y[i]);
    }
  }
  if (high - low < least) high = low + least;
  const room = 0.07 * (high - low);
  return [low < 0 ? low - room : 0, high > 0 ? high + room : 0];
}

function valueAxes(shown, from, to) {
  const second = { overlaying: "y", side: "right", showgrid: false };
  const axes = { y: {}, y2: second };
  return Object.fromEntries(Object.entries(axes).flatMap(([axis, more]) => {
    const unit = shown.find(({ drawn }) => drawn.yaxis === axis)?.unit;
    if (!unit) return [];
    const shows = { ticksuffix: ` ${unit}`, range: range(shown, axis, page.least[unit] ?? 0, toPlot(from), toPlot(to)) };
    return [[axis.replace("y", "yaxis"), { ...page.axis, ...more, ...shows }]];
  }));
}

const prices = () => (view.dataset.kind === "day" ? page.prices[view.id.slice(4)] ?? [] : []);

function bands(plot) { // the prices of the day's hours, behind the curves; a text where there is room for it
  const [from, to] = period(), wide = (plot.clientWidth - 100) / (to - from);
  return prices().map(([start, end, name, price, level]) => {
    const lines = [name, price].filter(Boolean), longest = Math.max(...lines.map((line) => widthOf(line)));
    const room = (Math.min(end, to) - Math.max(start, from)) * wide;
    return {
      type: "rect", layer: "below", yref: "paper", y0: 0, y1: 1, x0: toPlot(start), x1: toPlot(end), line: { width: 0 },
      fillcolor: `--price-${level}`,
      label: { text: longest + 6 < room ? lines.map(escaped).join("<br>") : "", textposition: "top left", padding: 3, font: { size: 11, color: "--quiet" } },
    };
  });
}

const canvas = document.createElement("canvas").getContext("2d");
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function widthOf(text) {
  canvas.font = `11px ${page.layout.font.family}`;
  return canvas.measureText(text).width;
}

function draw() {
  if (!window.Plotly || !view) return;
  const [from, to] = period();
  for (const panel of panels) {
    const shown = drawnIn(panel);
    panel.plot.closest(".panel").hidden = !shown.length;
    if (!shown.length) continue;
    const priced = ["power", "energy"].includes(panel.name);
    const layout = { ...page.layout, ...valueAxes(shown, from, to), shapes: priced ? bands(panel.plot).map(coloured) : [] };
    layout.xaxis = { ...layout.xaxis, range: [toPlot(from), toPlot(to)], hoverformat: page.hover[shown[0].cut] };
    layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom"; // a finger scrolls the page
    if (root.classList.contains("printing")) Object.assign(layout, { width: PRINTED, height: 220 });
    Plotly.react(panel.plot, shown.map(({ drawn }) => drawn), coloured(layout), page.config);
    tellCut(panel, shown[0].cut);
  }
  for (const button of document.querySelectorAll("#zoom button")) button.disabled = !zoom && !(button.dataset.by < 1);
  if (marked !== null) mark(marked);
}

function tellCut(panel, cut) { // what a bar or a point is
  const heading = panel.plot.closest(".panel").querySelector("h2");
  const small = heading.querySelector(".cut") ?? heading.appendChild(Object.assign(document.createElement("small"), { className: "cut" }));
  small.textContent = page.cuts[cut] ? ` ${page.cuts[cut]}` : "";
}

// --- zoom --------------------------------------------------------------------------

function zoomTo(from, to) {
  const [since, until] = timesOf(view);
  const span = Math.min(Math.max(to - from, LEAST_SHOWN), until - since);
  from = Math.min(Math.max(from, since), until - span);
  zoom = span < until - since ? [from, from + span] : null;
  history.replaceState({ zoom }, ""); // a reload keeps it
  draw();
}

function zoomBy(factor) { // around the moment that is marked
  const [from, to] = period(), at = marked ?? (from + to) / 2;
  zoomTo(at - (at - from) * factor, at + (to - at) * factor);
}

const zoomOut = () => zoomTo(...timesOf(view));

function zoomButtons() {
  const group = document.createElement("div");
  group.id = "zoom";
  group.setAttribute("role", "group");
  for (const [sign, by, name] of [["+", 0.5, "zoom in"], ["−", 2, "zoom out"], ["↔", Infinity, "zoom reset"]]) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: sign, title: page.texts[name] });
    button.setAttribute("aria-label", page.texts[name]);
    button.dataset.by = by;
    button.addEventListener("click", () => (by === Infinity ? zoomOut() : zoomBy(by)));
    group.append(button);
  }
  byId("charts").prepend(group);
}

// --- one moment, in all panels -------------------------------------------------------

let marked = null, hint = null; // a time; what the readout says without one

function mark(time) {
  marked = time;
  for (const { plot } of visible()) Plotly.Fx.hover(plot, { xval: toPlot(time) }, "xy");
  tell(time);
}

function unmark() {
  if (marked === null) return;
  marked = null;
  for (const { plot } of visible()) Plotly.Fx.unhover(plot);
  byId("readout").replaceChildren(...hint);
}

const visible = () => panels.filter(({ plot }) => plot._fullLayout && !plot.closest(".panel").hidden);

function indexAt({ cut, of }, time) { // of the period that has a time, or the reading that is nearest; -1: not known
  const at = toPlot(time), [x, values] = series[cut][of];
  let after = x.findIndex((each) => each > at);
  if (after < 0) after = x.length;
  const nearer = after < x.length && (after === 0 || x[after] - at < at - x[after - 1]) ? after : after - 1;
  const index = cut === "readings" ? nearer : after - 1;
  const reach = cut === "readings" ? LEAST_SHOWN * 6 : lengthOf(cut);
  return values[index] === undefined || values[index] === null || Math.abs(x[index] - at) >= reach * 1000 ? -1 : index;
}

const lengthOf = (cut) => ({ "half-hour": 1800, "month": 31 * DAY })[cut] ?? DAY;
const amount = new Intl.NumberFormat(root.lang, { maximumFractionDigits: 6 });
const energy = new Intl.NumberFormat(root.lang, { minimumFractionDigits: 2, maximumFractionDigits: 6 });

function saying({ drawn, unit, cut, of }, index) {
  const [, values] = series[cut][of], format = unit === "kWh" ? energy : amount;
  const said = [drawn.customdata?.[index] ?? values[index]].flat().map((value) => format.format(value)).join(" – ");
  return `${drawn.name} ${said} ${unit}${drawn.text?.[index] ?? ""}`;
}

function tell(time) { // all values of a moment: time, then panel by panel
  const levels = cuts()[1], readings = levels === "readings" && view.dataset.kind !== "year";
  const parts = [[`${DATE.format(time * 1000)}${readings ? ` ${PERIOD.readings(time)}` : ""}`, ""]];
  for (const panel of visible()) {
    const said = drawnIn(panel).filter(({ drawn }) => drawn.name).flatMap((spec) => {
      const index = indexAt(spec, time);
      return index < 0 ? [] : [[saying(spec, index), PERIOD[spec.cut](fromPlot(series[spec.cut][spec.of][0][index]))]];
    });
    const heading = panel.plot.closest(".panel").querySelector("h2").firstChild.textContent;
    if (said.length) parts.push([`${heading} (${said[0][1]})`, said.map(([text]) => text).join(" · ")]);
  }
  const [, , name, price] = prices().find(([start, end]) => start <= time && time < end) ?? [];
  if (name) parts.push([name, price]);
  byId("readout").replaceChildren(...parts.map(([head, text]) => {
    const part = document.createElement("span"), strong = document.createElement("strong");
    strong.textContent = head;
    part.append(strong, ` ${text} `);
    return part;
  }));
}

function timeAt(plot, clientX) { // null beside the chart
  const { l } = plot._fullLayout._size, wide = plot._fullLayout.xaxis._length;
  const share = (clientX - plot.getBoundingClientRect().left - l) / wide, [from, to] = period();
  return share < 0 || share > 1 ? null : from + share * (to - from);
}

function step(panel, by) { // to the next reading or bar that is seen
  const [from, to] = period(), shown = drawnIn(panel).filter(({ drawn }) => drawn.name);
  const middles = shown.flatMap(({ cut, of }) => {
    const [x, values] = series[cut][of], half = cut === "readings" ? 0 : lengthOf(cut) / 2;
    return x.map((at, i) => (values[i] === null ? null : fromPlot(at) + half));
  });
  const times = [...new Set(middles)].filter((time) => time !== null && from <= time && time <= to).sort((a, b) => a - b);
  const start = marked ?? (by > 0 ? -Infinity : Infinity);
  const next = by > 0 ? times.find((time) => time > start) : times.findLast((time) => time < start);
  if (next !== undefined) mark(next);
}

// --- mouse, fingers, keys --------------------------------------------------------------

let waiting = 0;

function soon(action) { // at most once a frame
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(action);
}

function follow(panel) {
  const { plot } = panel;
  const point = (event) => {
    const time = timeAt(plot, event.clientX);
    if (time !== null) soon(() => mark(time));
  };
  let down = null;
  plot.addEventListener("pointermove", (event) => event.pointerType === "mouse" && !event.buttons && point(event));
  plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && soon(unmark));
  plot.addEventListener("pointerdown", (event) => { down = event; }, true);
  plot.addEventListener("pointerup", (event) => {
    const moved = down ? Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) : Infinity;
    if (event.pointerType !== "mouse" && moved < 10) point(event);
  }, true);
  plot.on("plotly_doubleclick", zoomOut);
  plot.on("plotly_relayout", (change) => {
    const from = change["xaxis.range[0]"], to = change["xaxis.range[1]"];
    if (from !== undefined) zoomTo(fromPlot(from), fromPlot(to));
  });
  plot.tabIndex = 0;
  plot.addEventListener("keydown", (event) => onKey(panel, event));
  touch(plot);
}

function touch(plot) { // two fingers zoom; one moves what is zoomed: the times under them stay there
  let held = [];
  const hold = (event) => { held = [...event.touches].map(({ clientX }) => timeAt(plot, clientX)); };
  plot.addEventListener("touchstart", (event) => {
    hold(event);
    if (event.touches.length > 1) event.preventDefault(), event.stopPropagation();
  }, { passive: false, capture: true });
  plot.addEventListener("touchmove", (event) => {
    if (held.includes(null) || held.length !== event.touches.length || held.length > 2 || (held.length < 2 && !zoom)) return;
    if (event.cancelable) event.preventDefault();
    event.stopPropagation();
    const { l } = plot._fullLayout._size, wide = plot._fullLayout.xaxis._length, [from, to] = period();
    const [a, b] = [...event.touches].map(({ clientX }) => (clientX - plot.getBoundingClientRect().left - l) / wide);
    const span = b === undefined ? to - from : (held[1] - held[0]) / (b - a);
    if (Number.isFinite(span) && span > 0) soon(() => zoomTo(held[0] - a * span, held[0] + (1 - a) * span));
  }, { passive: false, capture: true });
  plot.addEventListener("touchend", hold, true);
}

function onKey(panel, event) {
  const keys = {
    "ArrowLeft": () => step(panel, -1), "ArrowRight": () => step(panel, 1), "Escape": unmark,
    "+": () => zoomBy(0.5), "-": () => zoomBy(2), "0": zoomOut,
  };
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  keys[event.key]();
}

document.addEventListener("keydown", (event) => { // earlier, later
  const name = { ArrowLeft: "earlier", ArrowRight: "later" }[event.key];
  if (!name || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.target.closest?.("input, select, textarea, [contenteditable], [tabindex]")) return; // they have arrows of their own
  view?.querySelector(`a.${name}[href]`)?.click();
});

// --- ages ------------------------------------------------------------------------------

const relative = new Intl.RelativeTimeFormat(root.lang, { style: "short" });

function ago(seconds) {
  for (const [unit, length] of [["day", DAY], ["hour", 3600], ["minute", 60]]) {
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit);
  }
  return relative.format(-Math.max(0, Math.floor(seconds)), "second");
}

function tellAges() {
  for (const card of document.querySelectorAll(".card[data-time]")) {
    const age = Date.now() / 1000 - card.dataset.time;
    card.querySelector(".age").textContent = ago(age);
    card.classList.toggle("stale", age > card.dataset.stale);
  }
}

// --- what is new -------------------------------------------------------------------------

const loaded = Date.now();
let touched = 0, written;

async function renew() { // a file: the view is in the address, the zoom in the history, and the browser keeps the scrolling
  if (document.hidden || Date.now() - touched < 30_000) return;
  if (location.protocol === "file:") { // which cannot be asked when it was written
    if (Date.now() - loaded < 300_000) return;
  } else {
    const answer = await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).catch(() => null);
    const changed = answer?.ok && Date.parse(answer.headers.get("Last-Modified"));
    if (!changed || changed === Date.parse(document.lastModified)) return;
  }
  location.reload();
}

function listen() { // a served page
  const source = new EventSource(served);
  source.onmessage = (event) => tidings(JSON.parse(event.data));
  source.onerror = () => source.readyState === EventSource.CLOSED && setTimeout(listen, 60_000);
}

function tidings(news) {
  for (const [name, card] of Object.entries(news.cards)) put(byId(`card-${name}`), card);
  tellAges();
  if (written !== undefined && news.written !== written) setTimeout(swap, Math.random() * 10_000);
  written = news.written;
}

function put(card, { value, note, time, stale, full }) {
  if (!card) return;
  for (const [name, text] of Object.entries({ value, note })) {
    const part = card.querySelector(`.${name}`);
    if (part && text !== undefined) part.textContent = text;
  }
  if (time) Object.assign(card.dataset, { time, stale });
  if (full !== undefined && full !== null) card.querySelector("meter")?.setAttribute("value", full);
}

async function swap() { // the numbers of the page anew, where view, zoom, focus and open tables stay
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const reach = () => [...document.querySelectorAll("#so-far, #views")].flatMap((part) => [...part.querySelectorAll("a, summary, [tabindex]")]);
  const focus = reach().indexOf(document.activeElement), open = document.querySelectorAll("details[open] [id]");
  for (const id of ["so-far", "views", "page"]) if (fresh.getElementById(id)) byId(id)?.replaceWith(document.adoptNode(fresh.getElementById(id)));
  for (const { id } of open) byId(id)?.closest("details")?.setAttribute("open", "");
  read();
  place();
  show(byId(view.id) ?? viewOf(""), zoom);
  if (focus >= 0) reach()[focus]?.focus({ preventScroll: true });
}

// --- paper -------------------------------------------------------------------------------

const PRINTED = 680; // of the width of A4, at 96 to the inch

function printing(on) { // light, and as wide as the paper
  root.classList.toggle("printing", on);
  traces.clear();
  draw();
  if (!on) for (const { plot } of visible()) Plotly.Plots.resize(plot);
}

addEventListener("beforeprint", () => printing(true));
addEventListener("afterprint", () => printing(false));

// --- begin: numbers first, then, when plotly is there, charts ----------------------------

function place() {
  panels = page.panels.flatMap((panel) => {
    const plot = document.querySelector(`#${panel.name} .plot`);
    return plot ? [{ ...panel, plot }] : [];
  });
}

function begin() {
  if (!window.Plotly) {
    byId("fault")?.removeAttribute("hidden");
    byId("charts").hidden = true;
    return;
  }
  if (page.locale) Plotly.register({ moduleType: "locale", name: page.config.locale, ...page.locale });
  hint = [...byId("readout").childNodes];
  place();
  if (panels.length) zoomButtons();
  draw();
  panels.forEach(follow);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { traces.clear(); draw(); });
}

read();
if (viewOf(location.hash)) show(viewOf(location.hash), history.state?.zoom);
tellAges();
setInterval(tellAges, 10_000);
if (served) listen();
else setInterval(renew, 60_000), document.addEventListener("visibilitychange", renew);
document.addEventListener("pointermove", () => { touched = Date.now(); });
document.addEventListener("DOMContentLoaded", begin);
