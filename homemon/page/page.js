// The views, the ages of numbers, what is new, and paper.

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
  return named ?? (old ? nearest(old, from ? Number(from) : page.now) : null) ?? document.querySelector(".view.current") ?? views()[0];
}

function show(section, zoomed = null) {
  const focused = view?.contains(document.activeElement) && document.activeElement;
  view?.classList.remove("shown");
  section.classList.add("shown");
  if (focused && view !== section) {
    const same = [...focused.classList].map((name) => section.querySelector(`a.${name}[href]`)).find(Boolean);
    (same ?? section.querySelector("a[href]"))?.focus({ preventScroll: true });
  }
  if (view !== section) traces.clear();
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

function put(card, { value, note, colour, time, stale, full }) {
  if (!card) return;
  for (const [name, text] of Object.entries({ value, note })) {
    const part = card.querySelector(`.${name}`);
    if (part && text !== undefined) part.textContent = text;
  }
  if (colour) card.className = card.className.replace(/\bc-\w+/, `c-${colour}`);
  if (time) Object.assign(card.dataset, { time, stale });
  const meter = card.querySelector("meter");
  if (meter && full !== undefined && full !== null) {
    meter.setAttribute("value", full);
    meter.setAttribute("aria-label", `${card.querySelector("h2").textContent}: ${note}`);
  }
}

const parts = (from) => [...from.querySelectorAll(".empty, .card, .so-far, .panel")].map(({ id, textContent }) => id || textContent).join("\n");
const folded = () => new Map([...document.querySelectorAll("#so-far details, #views details")].map((each) => [`${each.closest("[id]").id} ${each.className}`, each]));

async function swap() { // the numbers of the page anew, where view, zoom, focus and open tables stay
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (parts(fresh) !== parts(document)) return location.reload(); // there is more than numbers that is new
  const reach = () => [...document.querySelectorAll("#so-far, #views")].flatMap((part) => [...part.querySelectorAll("a, summary, [tabindex]")]);
  const focus = reach().indexOf(document.activeElement), open = [...folded()].filter(([, each]) => each.open);
  for (const id of ["top", "so-far", "views", "page"]) if (fresh.getElementById(id)) byId(id)?.replaceWith(document.adoptNode(fresh.getElementById(id)));
  for (const [name] of open) folded().get(name)?.setAttribute("open", "");
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
