/**
 * The open thread: appends what is new, replaces by id, stays at the end unless someone reads further up, pages back.
 *
 */

import { ask, enliven, fragment } from "./requests.js";

const [NEAR, MOST, SEEN_AFTER, SPOKEN, RECENT] = [100, 300, 1000, 200, 40];

export class Thread extends HTMLElement {
  #end = new AbortController();
  #asked = false;
  #again = false;
  #read = 0;
  /** Number of the last message that stood at the end of the thread before the reader's eyes. */
  shown = 0;
  #seeing = 0;
  #older = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && void this.#pageBack(), { rootMargin: "200px" });

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    document.body.addEventListener(`live:${this.dataset.topic}`, (event) => this.#heard(/** @type {CustomEvent} */ (event)), { signal });
    this.#jump().addEventListener("click", () => this.#toEnd(), { signal });
    this.#pane().addEventListener("scroll", () => this.#isAtEnd() && this.#reached(), { signal, passive: true });
    for (const name of ["focus", "blur"]) addEventListener(name, () => this.#look(), { signal });
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    this.#open();
    this.#look();
  }

  disconnectedCallback() {
    this.#end.abort();
    this.#older.disconnect();
    clearTimeout(this.#seeing);
  }

  #pane() {
    return /** @type {HTMLElement} */ (this.querySelector(".thread"));
  }

  #items() {
    return /** @type {HTMLElement} */ (this.querySelector(".thread-items"));
  }

  #jump() {
    return /** @type {HTMLElement} */ (this.querySelector(".thread-jump"));
  }

  /** Begin at the first unread entry, else at the end; then watch for whoever scrolls to the top. */
  #open() {
    const unread = this.querySelector(".separator--unread");
    if (unread) unread.scrollIntoView({ block: "start" });
    else this.#toEnd();
    this.shown = this.#last();
    requestAnimationFrame(() => this.#watchOlder());
  }

  #watchOlder() {
    this.#older.disconnect();
    const older = this.querySelector(".thread-older");
    if (older) this.#older.observe(older);
  }

  /** Put entries where their time says; one that is there already is replaced. @param {Iterable<Node>} nodes */
  add(nodes, own = false) {
    const follow = own || this.#isAtEnd();
    const entries = [...nodes].filter((node) => node instanceof HTMLElement);
    const fresh = entries.filter((entry) => this.#put(entry));
    this.#trim();
    if (follow) this.#toEnd();
    else if (fresh.some((entry) => entry.dataset.seq)) this.#jump().hidden = false;
    if (!own) this.#announce(fresh);
    this.#look();
  }

  /** @param {HTMLElement} entry @returns {boolean} whether it is new */
  #put(entry) {
    const known = entry.id ? document.getElementById(entry.id) : null;
    if (known && this.contains(known)) {
      // Earlier entries of a day bring its separator up with them; later ones leave it where it is.
      if (entry.dataset.separator && Number(entry.dataset.at) < Number(known.dataset.at)) known.remove();
      else {
        if (!entry.dataset.separator) known.replaceWith(entry);
        enliven(entry);
        return false;
      }
    }
    const at = Number(entry.dataset.at);
    const items = this.#items();
    const before = [...items.children].reverse().find((each) => Number(/** @type {HTMLElement} */ (each).dataset.at) <= at);
    if (before) before.after(entry);
    else items.prepend(entry);
    enliven(entry);
    return true;
  }

  /** Whoever wrote a message has it already. @param {CustomEvent<{keys: number[]}>} event */
  #heard({ detail: { keys } }) {
    const entry = (/** @type {number} */ seq) => /** @type {HTMLElement | null} */ (this.querySelector(`.thread-items > [data-seq="${seq}"]`));
    const isSettled = (/** @type {number} */ seq) => !["sending", "failed", undefined].includes(entry(seq)?.dataset.state);
    if (!keys.length || !keys.every(isSettled)) void this.refresh();
  }

  /** Fetch what came after the last entry, or after the first recent one whose delivery is still open. */
  async refresh() {
    if (this.#asked) return void (this.#again = true);
    this.#asked = true;
    const after = this.#after();
    const url = new URL(this.dataset.url ?? "", location.href);
    url.searchParams.set("after", String(after));
    const answer = await ask(url.href).catch(() => null);
    if (answer?.ok && this.isConnected) this.#take(fragment(await answer.text()).querySelectorAll("li[id]"), after);
    this.#asked = false;
    if (this.#again && this.isConnected) {
      this.#again = false;
      void this.refresh();
    }
  }

  /** What was on its way and is not there any more was taken back. @param {NodeListOf<Element>} entries @param {number} after */
  #take(entries, after) {
    const ids = new Set([...entries].map((entry) => entry.id));
    for (const entry of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".thread-items > [data-seq][data-state=sending]"))) {
      if (!ids.has(entry.id) && Number(entry.dataset.seq) > after) entry.remove();
    }
    this.add(entries);
  }

  #after() {
    const numbered = /** @type {HTMLElement[]} */ ([...this.querySelectorAll(".thread-items > [data-seq]")]);
    // What failed may have been sent again by someone else.
    const open = numbered.find(({ dataset }) => ["sending", "sent", "failed"].includes(dataset.state ?? ""));
    // An answer is a page of fifty: going further back would leave the newest out.
    return open ? Math.max(Number(open.dataset.seq) - 1, this.#last() - RECENT) : this.#last();
  }

  async #pageBack() {
    const link = this.querySelector(".thread-older");
    const href = link?.querySelector("a")?.href;
    if (!link || !href) return;
    this.#older.disconnect();
    const answer = await ask(href).catch(() => null);
    if (!answer?.ok) return;
    const earlier = fragment(await answer.text());
    const pane = this.#pane();
    const fromEnd = pane.scrollHeight - pane.scrollTop;
    const more = earlier.querySelector(".thread-older");
    for (const entry of earlier.querySelectorAll("li[id]")) this.#put(/** @type {HTMLElement} */ (entry));
    if (more) link.replaceWith(more);
    else link.remove();
    // By hand: Safari does not anchor, and at the very top nobody does.
    pane.scrollTop = pane.scrollHeight - fromEnd;
    this.#watchOlder();
  }

  /** A thread that has been open for days does not grow for ever; what goes can be paged back. */
  #trim() {
    const items = this.#items();
    const older = /** @type {HTMLAnchorElement | null} */ (this.querySelector(".thread-older a"));
    if (!older || items.children.length <= MOST || !this.#isAtEnd()) return;
    while (items.children.length > MOST) items.firstElementChild?.remove();
    const first = /** @type {HTMLElement | null} */ (items.querySelector("[data-seq]"));
    const url = new URL(older.href);
    url.searchParams.set("before", first?.dataset.seq ?? "");
    older.href = url.href;
  }

  #isAtEnd() {
    const pane = this.#pane();
    return pane.scrollHeight - pane.scrollTop - pane.clientHeight < NEAR;
  }

  #toEnd() {
    this.#pane().scrollTop = this.#pane().scrollHeight;
    this.#reached();
  }

  #reached() {
    this.#jump().hidden = true;
    this.shown = this.#last();
  }

  #last() {
    const numbered = /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".thread-items > [data-seq]"));
    return Number([...numbered].at(-1)?.dataset.seq ?? 0);
  }

  /** The newest message in words, and how many more there were. @param {HTMLElement[]} entries */
  #announce(entries) {
    const said = entries.filter((entry) => entry.dataset.author === "customer");
    const last = said.at(-1);
    const status = this.querySelector("[role=status]");
    if (!last || !status) return;
    const author = last.querySelector("[data-slot=author]")?.textContent ?? "";
    const body = last.querySelector("[data-slot=text], tiski-message");
    const text = (body?.shadowRoot ?? body)?.textContent?.trim() ?? "";
    const more = said.length > 1 ? (this.dataset.more ?? "").replace("{count}", String(said.length - 1)) : "";
    status.textContent = "";
    setTimeout(() => (status.textContent = `${author}: ${text} ${more}`.slice(0, SPOKEN).trim()), 80);
  }

  /** Read is what stood in a focused window for more than a second. */
  #look() {
    clearTimeout(this.#seeing);
    const seq = this.#last();
    if (!this.dataset.readUrl || seq <= this.#read || document.hidden || !document.hasFocus()) return;
    this.#seeing = window.setTimeout(() => void this.#markRead(seq), SEEN_AFTER);
  }

  /** @param {number} seq */
  async #markRead(seq) {
    const answer = await ask(this.dataset.readUrl ?? "", { method: "POST", body: new URLSearchParams({ seq: String(seq) }) }).catch(() => null);
    if (answer?.ok) this.#read = seq;
  }
}

customElements.define("tiski-thread", Thread);
