/**
 * What htmx leaves to the page: a stale token is renewed and the request made again, a failure becomes one notice with
 * "try again", and a press shows its result at once and takes it back when it is refused.
 *
 *     <button hx-post="…" hx-swap="none" data-shows="conversation-7-assignee" data-shown="Mia Mäkinen">
 */

import { adopt } from "./requests.js";

/**
 * @typedef {{sourceElement: Element, sourceEvent: Event, response?: {raw: Response, status: number}}} Context
 * @typedef {CustomEvent<{ctx?: Context, error?: unknown}>} HtmxEvent
 */

const tried = new WeakSet();
/** @type {WeakMap<Element, {element: HTMLElement, before: string}>} */
const shown = new WeakMap();

export function installRules() {
  listen("htmx:before:request", show);
  listen("htmx:after:swap", ({ sourceElement }) => shown.delete(sourceElement));
  listen("htmx:response:error", refused);
  listen("htmx:error", failed);
}

/** @param {string} name @param {(context: Context) => void} act */
function listen(name, act) {
  document.addEventListener(name, (event) => {
    const context = /** @type {HtmxEvent} */ (event).detail.ctx;
    if (context) act(context);
  });
}

/** @param {Context} context */
function show({ sourceElement }) {
  const { shows = "", shown: text = "" } = /** @type {HTMLElement} */ (sourceElement).dataset;
  const element = shows ? document.getElementById(shows) : null;
  if (!element) return;
  shown.set(sourceElement, { element, before: element.textContent ?? "" });
  element.textContent = text;
}

/** @param {Context} context */
function refused(context) {
  const answer = context.response?.raw;
  if (answer && !tried.has(context.sourceEvent) && adopt(answer)) return again(context);
  takeBack(context.sourceElement);
  if (answer && answer.status >= 500) notify(context);
}

/** @param {Context} context */
function failed(context) {
  takeBack(context.sourceElement);
  notify(context);
}

/** @param {Element} source */
function takeBack(source) {
  const kept = shown.get(source);
  if (kept) kept.element.textContent = kept.before;
  shown.delete(source);
}

/** Only what a person pressed is worth a notice: what refetches itself tries again with the next news. @param {Context} context */
function notify(context) {
  if (!["click", "submit", "change"].includes(context.sourceEvent.type)) return;
  document.dispatchEvent(new CustomEvent("tiski:failed", { detail: { again: () => again(context) } }));
}

/** @param {Context} context */
function again({ sourceElement, sourceEvent }) {
  const { type } = sourceEvent;
  const repeat = type === "submit" ? new SubmitEvent(type, { bubbles: true, cancelable: true }) : new MouseEvent(type, { bubbles: true, cancelable: true });
  tried.add(repeat);
  sourceElement.dispatchEvent(repeat);
}
