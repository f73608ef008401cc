/**
 * Keys press real links and buttons: whatever carries `data-key`. They rest while someone writes and can be turned off.
 *
 *     <button data-key="e" hx-post="…">Sulje</button>   <a data-key="g-m" href="…">Omat</a>   <a data-key="u Escape" …>
 *     <tiski-keys><dialog id="shortcuts">… <input type="checkbox" id="single-keys">…</dialog></tiski-keys>
 *
 * `j` and `k` send `tiski:step` to the list; F6 walks the elements with `data-pane`.
 */

const [SEQUENCE, STORED] = [1000, "tiski.single-keys"];
const WRITING = "input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=file]), textarea, select, [contenteditable]";

class Keys extends HTMLElement {
  #end = new AbortController();
  #before = "";
  #beforeTimer = 0;
  /** Pressed while the list was on its way to the next conversation, or htmx had not yet taken up what it put there. @type {string[]} */
  #waiting = [];
  /** What htmx is putting into the page right now. @type {Set<unknown>} */
  #swapping = new Set();

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    document.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    document.addEventListener("htmx:before:swap", (event) => this.#swapping.add(context(event)), { signal });
    for (const name of ["htmx:after:swap", "htmx:finally:request"]) {
      document.addEventListener(name, (event) => this.#settled(context(event)), { signal });
    }
    const choice = this.#choice();
    if (!choice) return;
    choice.checked = isOn();
    choice.addEventListener("change", () => remember(choice.checked), { signal });
  }

  disconnectedCallback() {
    this.#end.abort();
    clearTimeout(this.#beforeTimer);
  }

  #choice() {
    return /** @type {HTMLInputElement | null} */ (this.querySelector("#single-keys"));
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key === "F6") return this.#walk(event);
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    if (target.matches(WRITING)) return event.key === "Escape" ? leave(target) : undefined;
    if (document.querySelector("dialog[open], [popover]:popover-open") || (event.key.length === 1 && !isOn())) return;
    if (this.#isOnItsWay() && event.key.length === 1) return void this.#waiting.push(event.key);
    if (this.#act(event.key)) event.preventDefault();
  }

  /** @param {string} key @returns {boolean} whether it meant something */
  #act(key) {
    const whole = this.#before ? `${this.#before}-${key}` : key;
    this.#remember(key === "g" && !this.#before ? key : "");
    if (this.#before) return true;
    if (whole === "?") return Boolean(this.querySelector("dialog")?.showModal() ?? true);
    if (whole === "j" || whole === "k") return step(whole === "j" ? 1 : -1);
    const element = find(whole);
    if (element) return press(element);
    if (whole === "u" || whole === "Escape") return step(0);
    const here = document.activeElement;
    return whole === "o" && here instanceof HTMLAnchorElement && press(here);
  }

  /** The first half of a sequence, for a second. @param {string} key */
  #remember(key) {
    this.#before = key;
    clearTimeout(this.#beforeTimer);
    this.#beforeTimer = window.setTimeout(() => (this.#before = ""), SEQUENCE);
  }

  #isOnItsWay() {
    return this.#swapping.size > 0 || document.querySelector("tiski-list[data-advancing]") !== null;
  }

  /** @param {unknown} swap */
  #settled(swap) {
    this.#swapping.delete(swap);
    setTimeout(() => this.#catchUp());
  }

  #catchUp() {
    if (this.#isOnItsWay()) return;
    const key = this.#waiting.shift();
    if (!key) return;
    this.#act(key);
    setTimeout(() => this.#catchUp());
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const panes = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-pane], tiski-toasts")]);
    const open = panes.filter((pane) => pane.checkVisibility() && (!pane.matches("tiski-toasts") || pane.querySelector(".toast")));
    const here = open.findIndex((pane) => pane.contains(document.activeElement));
    const next = open.at((here + (event.shiftKey ? -1 : 1)) % open.length);
    if (!next) return;
    event.preventDefault();
    const inside = next.querySelector("a[aria-current], [role=log], a[tabindex='0'], a, button");
    (inside instanceof HTMLElement && inside.checkVisibility() ? inside : next).focus();
  }
}

/** @param {Event} event */
function context(event) {
  return /** @type {CustomEvent} */ (event).detail.ctx;
}

/** What carries the key and can be pressed; something in a closed menu can. @param {string} key */
function find(key) {
  const carriers = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-key]")]);
  return carriers.find(
    (element) =>
      element.dataset.key?.split(" ").includes(key) &&
      !(element instanceof HTMLButtonElement && element.disabled) &&
      (element.checkVisibility() || element.closest("[popover]")),
  );
}

/** @param {HTMLElement} element */
function press(element) {
  if (element.matches(WRITING)) element.focus();
  if (element instanceof HTMLInputElement && element.matches(WRITING)) element.select();
  else if (!element.matches(WRITING)) element.click();
  return true;
}

/** @param {number} by */
function step(by) {
  document.dispatchEvent(new CustomEvent("tiski:step", { detail: by }));
  return true;
}

/** Out of the field and to the thread above it, so that the next key is heard there. @param {Element} field */
function leave(field) {
  const thread = field.closest(".conversation")?.querySelector("[role=log]");
  if (thread instanceof HTMLElement) thread.focus();
  else if (field instanceof HTMLElement) field.blur();
}

function isOn() {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true;
  }
}

/** @param {boolean} on */
function remember(on) {
  try {
    if (on) localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, "off");
  } catch {
    return;
  }
}

customElements.define("tiski-keys", Keys);
