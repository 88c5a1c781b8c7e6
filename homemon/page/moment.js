// Zoom, and one moment in all panels: by mouse, fingers and keys.

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
  byId("readout").classList.remove("marked");
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
  const shown = drawn.x.indexOf(series[cut][of][0][index]), format = unit === "kWh" ? energy : amount;
  const said = [drawn.customdata[shown]].flat().map((value) => format.format(value)).join(" – ");
  return `${drawn.name} ${said} ${unit}${drawn.text?.[shown] ?? ""}`;
}

function tell(time) { // all values of a moment: time, then panel by panel
  const levels = cuts()[1], readings = levels === "readings" && view.dataset.kind !== "year";
  const parts = [[`${DATE.format(time * 1000)}${readings ? ` ${PERIOD.readings(time)}` : ""}`, ""]];
  for (const panel of visible()) {
    const said = drawnIn(panel).filter(({ drawn }) => drawn.name).flatMap((spec) => {
      const index = indexAt(spec, time);
      return index < 0 || !spec.drawn.x.includes(series[spec.cut][spec.of][0][index]) ? [] : [[saying(spec, index), PERIOD[spec.cut](fromPlot(series[spec.cut][spec.of][0][index]))]];
    });
    const heading = panel.plot.closest(".panel").querySelector("h2").firstChild.textContent;
    if (said.length) parts.push([`${heading} (${said[0][1]})`, said.map(([text]) => text).join(" · ")]);
  }
  const [, , name, price] = prices().find(([start, end]) => start <= time && time < end) ?? [];
  if (name) parts.push([name, price]);
  byId("readout").classList.add("marked");
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
const coarse = () => matchMedia("(pointer: coarse)").matches;

function soon(action) { // at most once a frame
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(action);
}

const followed = new WeakSet(); // the plots that are

function follow(plot) {
  followed.add(plot);
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
  plot.on("plotly_doubleclick", () => coarse() || zoomOut()); // a finger that is set down again is none
  plot.on("plotly_relayout", (change) => {
    const from = change["xaxis.range[0]"], to = change["xaxis.range[1]"];
    if (from !== undefined) zoomTo(fromPlot(from), fromPlot(to));
  });
  plot.tabIndex = 0;
  plot.addEventListener("keydown", (event) => onKey(plot, event));
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

function onKey(plot, event) {
  const panel = panels.find((each) => each.plot === plot);
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
