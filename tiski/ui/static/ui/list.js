/**
 * The inbox list: keeps rows fresh one by one, never moves what is being read, and moves focus with the keys.
 *
 * `data-row-url` answers one row, or 204 when it no longer belongs here; `data-url` the first rows after a long absence,
 * and with `rows=7,9` those of several that still belong here.
 */

import { ask, enliven, fragment } from "./requests.js";

const [REST, ADVANCE, OWN, MOST, PAUSE, LONGEST_PAUSE] = [100, 200, 5000, 40, 100, 2000];

class List extends HTMLElement {
  #end = new AbortController();
  #resting = 0;
  /** Rows that wait until nobody looks. @type {Map<string, HTMLElement>} */
  #held = new Map();
  /** Rows that changed and are not fetched yet. @type {Set<string>} */
  #changed = new Set();
  #asking = false;
  /** When this person last acted on a conversation: its row may move under their eyes. @type {Map<string, number>} */
  #acted = new Map();

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    for (const topic of (this.dataset.topic ?? "").split(" ")) {
      document.body.addEventListener(`live:${topic}`, (event) => this.#heard(/** @type {CustomEvent} */ (event)), { signal });
    }
    document.addEventListener("tiski:step", (event) => this.#step(/** @type {CustomEvent} */ (event).detail), { signal });
    document.addEventListener("htmx:after:swap", () => this.#mark(location.pathname), { signal });
    document.addEventListener("htmx:before:request", (event) => this.#advance(/** @type {CustomEvent} */ (event)), { signal });
    document.addEventListener("htmx:before:request", (event) => this.#act(/** @type {CustomEvent} */ (event)), { signal });
    document.addEventListener("tiski:acted", (event) => this.#own(/** @type {CustomEvent} */ (event).detail), { signal });
    this.addEventListener("click", (event) => this.#press(event), { signal });
    this.addEventListener("focusin", (event) => this.#rove(/** @type {HTMLElement} */ (event.target)), { signal });
    for (const name of ["pointerleave", "focusout"]) this.addEventListener(name, () => setTimeout(() => this.#release()), { signal });
    this.#mark(location.pathname);
    this.#rove(this.#current() ?? this.#links()[0]);
  }

  disconnectedCallback() {
    this.#end.abort();
  }

  #body() {
    return /** @type {HTMLElement} */ (this.querySelector(".conversation-rows"));
  }

  /** @returns {HTMLElement[]} */
  #rows() {
    return /** @type {HTMLElement[]} */ ([...this.#body().children]);
  }

  /** @returns {HTMLAnchorElement[]} */
  #links() {
    return [...this.#body().querySelectorAll("a")];
  }

  #current() {
    return this.#links().find((link) => link.ariaCurrent);
  }

  /** @param {CustomEvent<{keys: number[]}>} event */
  #heard({ detail }) {
    if (!detail.keys.length) void this.#refetch();
    for (const key of detail.keys.map(String)) {
      this.#changed.delete(key); // what changed last stands last, and is fetched first: it is at the top of the list
      this.#changed.add(key);
    }
    void this.#fetch();
  }

  /** One request at a time, for the newest, then a pause for each of its rows, unlike those of other consoles. */
  async #fetch() {
    if (this.#asking || !this.#changed.size) return;
    this.#asking = true;
    const keys = [...this.#changed].slice(this.dataset.url ? -MOST : -1);
    for (const key of keys) this.#changed.delete(key);
    const answer = await ask(this.#address(keys)).catch(() => null);
    if (answer?.ok || answer?.status === 404) {
      const fresh = fragment(answer.status === 200 ? await answer.text() : "");
      for (const key of keys) if (!fresh.querySelector(`li[data-key="${key}"]`)) this.#remove(key);
      this.#take(fresh);
    }
    setTimeout(() => {
      this.#asking = false;
      void this.#fetch();
    }, this.dataset.url ? Math.min(LONGEST_PAUSE, PAUSE * keys.length) * (0.5 + Math.random()) : 0);
  }

  /** @param {string[]} keys */
  #address(keys) {
    if (keys.length === 1) return (this.dataset.rowUrl ?? "").replace("{key}", keys[0] ?? "");
    const url = new URL(this.dataset.url ?? "", location.href);
    url.searchParams.set("rows", keys.join(","));
    return url.href;
  }

  async #refetch() {
    const answer = this.dataset.url ? await ask(this.dataset.url).catch(() => null) : null;
    if (!answer?.ok) return;
    const fresh = fragment(await answer.text());
    const rows = /** @type {HTMLElement[]} */ ([...fresh.querySelectorAll("li[data-key]")]);
    const kept = new Set(rows.map((row) => row.dataset.key));
    const oldest = Math.min(...rows.map(order));
    for (const row of this.#rows()) {
      if (!kept.has(row.dataset.key) && order(row) >= oldest) this.#remove(row.dataset.key ?? "");
    }
    this.#take(fresh);
  }

  /** @param {DocumentFragment} fresh */
  #take(fresh) {
    for (const row of [...fresh.querySelectorAll("li[data-key]")]) this.#upsert(/** @type {HTMLElement} */ (row));
    this.#mark(location.pathname);
    this.#count();
  }

  /** @param {HTMLElement} fresh */
  #upsert(fresh, asked = false) {
    const key = fresh.dataset.key ?? "";
    const row = this.#rows().find((each) => each.dataset.key === key);
    const waits = !asked && !this.#isOwn(key) && this.#isWatched();
    if (!row) return void (waits ? this.#held.set(key, fresh) : this.#place(fresh));
    const moves = order(row) !== order(fresh);
    const focused = row.contains(document.activeElement);
    row.className = fresh.className;
    row.replaceChildren(...fresh.childNodes);
    enliven(row);
    if (focused) row.querySelector("a")?.focus({ preventScroll: true });
    if (!moves) return;
    row.dataset.sort = fresh.dataset.sort;
    if (waits) this.#held.set(key, row);
    else this.#place(row);
  }

  /** Newest first. A move keeps focus and what else the row holds. @param {HTMLElement} row */
  #place(row) {
    const after = this.#rows().find((each) => each !== row && order(each) < order(row)) ?? null;
    const body = this.#body();
    if (row.isConnected && row.nextElementSibling === after) return;
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    if (row.isConnected && "moveBefore" in body) body.moveBefore(row, after);
    else body.insertBefore(row, after);
    enliven(row);
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }

  /** @param {string} key */
  #remove(key) {
    this.#held.delete(key);
    const row = this.#rows().find((each) => each.dataset.key === key);
    if (row?.contains(document.activeElement)) this.#neighbour(row)?.focus();
    row?.remove();
    this.#count();
  }

  /** Whether a move would pull something away from under a pointer or from a reader. */
  #isWatched() {
    const body = this.#body();
    const hovered = matchMedia("(hover: hover)").matches && body.matches(":hover");
    return this.#rows().length > 0 && (hovered || body.contains(document.activeElement));
  }

  /** @param {CustomEvent} event */
  #act({ detail: { ctx } }) {
    const [, key] = /\/conversations\/(\d+)\//.exec(ctx?.request?.action ?? "") ?? [];
    if (key && ctx.request.method !== "GET") this.#own(key);
  }

  /** @param {string} key */
  #own(key) {
    this.#acted.set(key, Date.now());
  }

  /** @param {string} key */
  #isOwn(key) {
    return Date.now() - (this.#acted.get(key) ?? 0) < OWN;
  }

  #count() {
    const button = /** @type {HTMLElement} */ (this.querySelector(".list-held"));
    const count = this.#held.size;
    const { one = "", other = "" } = button.dataset;
    button.textContent = new Intl.PluralRules(document.documentElement.lang).select(count) === "one" ? one : other.replace("{count}", String(count));
    button.hidden = count === 0;
  }

  #release(anyway = false) {
    if (!anyway && this.#isWatched()) return;
    for (const row of this.#held.values()) this.#place(row);
    this.#held.clear();
    this.#count();
    this.#mark(location.pathname);
  }

  /** @param {Event} event */
  #press(event) {
    const target = /** @type {Element} */ (event.target);
    if (target.closest(".list-held")) {
      this.#release(true);
      this.#links()[0]?.focus();
    }
    const link = target.closest("a");
    if (link && this.#body().contains(link)) this.#mark(link.pathname);
    if (link?.closest(".list-more")) {
      event.preventDefault();
      void this.#more(link);
    }
  }

  /** The next older rows, at the end; without scripts the link leads to a page of them. @param {HTMLAnchorElement} link */
  async #more(link) {
    const answer = await ask(link.href).catch(() => null);
    if (!answer?.ok) return void location.assign(link.href);
    const older = fragment(await answer.text());
    const next = older.querySelector(".list-more");
    const first = older.querySelector("a");
    for (const row of [...older.querySelectorAll("li[data-key]")]) this.#upsert(/** @type {HTMLElement} */ (row), true);
    const place = /** @type {Element} */ (link.closest(".list-more"));
    if (next) place.replaceWith(next);
    else place.remove();
    first?.focus();
  }

  /** @param {string} path */
  #mark(path) {
    for (const link of this.#links()) link.ariaCurrent = link.pathname === path ? "true" : null;
  }

  /** One row is in the tab order: the one that has, or last had, the focus. @param {Element | undefined} target */
  #rove(target) {
    const chosen = target?.closest("a");
    if (!chosen || !this.#body().contains(chosen)) return;
    for (const link of this.#links()) link.tabIndex = link === chosen ? 0 : -1;
  }

  /** Move focus by so many rows; by none it comes back to the open one. @param {number} by */
  #step(by) {
    const links = this.#links();
    const from = links.findIndex((link) => link === document.activeElement);
    const here = from >= 0 ? from : links.findIndex((link) => link.ariaCurrent);
    const link = links[here < 0 ? 0 : Math.min(links.length - 1, Math.max(0, here + by))];
    if (!link) return;
    link.focus();
    clearTimeout(this.#resting);
    // hx-preload listens for it: who rests on a row is likely to open it.
    this.#resting = window.setTimeout(() => link.dispatchEvent(new Event("rest")), REST);
  }

  /** @param {Element} row */
  #neighbour(row) {
    return (row.nextElementSibling ?? row.previousElementSibling)?.querySelector("a") ?? null;
  }

  /** Acting on the open conversation leads to the next one, when it went through or after a moment. @param {CustomEvent} event */
  #advance({ detail: { ctx } }) {
    const row = this.#current()?.closest("li");
    if (!ctx?.sourceElement.matches("[data-advances]") || !row) return;
    const next = this.#neighbour(row);
    this.dataset.advancing = "";
    const go = () => {
      clearTimeout(timer);
      document.removeEventListener("htmx:after:request", done);
      if (next?.isConnected) {
        next.focus({ preventScroll: true });
        next.click();
      } else /** @type {HTMLElement | null} */ (document.querySelector(".conversation-back"))?.click();
    };
    const arrived = (/** @type {Event} */ swap) => {
      if (/** @type {CustomEvent} */ (swap).detail.ctx.target?.id !== "pane") return;
      document.removeEventListener("htmx:after:swap", arrived);
      delete this.dataset.advancing;
    };
    const done = (/** @type {Event} */ answer) => /** @type {CustomEvent} */ (answer).detail.ctx === ctx && go();
    const timer = setTimeout(go, ADVANCE);
    document.addEventListener("htmx:after:request", done);
    document.addEventListener("htmx:after:swap", arrived);
  }
}

/** @param {HTMLElement} row */
function order(row) {
  return Number(row.dataset.sort);
}

customElements.define("tiski-list", List);
