/**
 * Turns what the socket says into events that the elements of the page wait for, and says when the connection is gone.
 *
 *     <tiski-news data-socket="/teepuoti/live/" data-poll="/teepuoti/news/" data-after="129"></tiski-news>
 *     <header data-topic="conversation-7" hx-get="…" hx-trigger="turned:conversation-7 from:body delay:150ms">
 *
 * `live:<topic>` carries `{keys}`: what changed, or none when all of it may have. `turned:<topic>` says that more than
 * words were added, and not again for seconds. `now:<topic>` carries the frame. Topics are the words of `data-topic` in the page;
 * `data-conversation` says which conversation is open. The poll answers `{seq, news, resync}`, or 204.
 */

import { connect } from "./live.js";
import { ask, renew, token } from "./requests.js";

/** @typedef {import("./frames.js").ConsoleDown} Down */

const [SPREAD, JITTER, MOMENTS, PATIENCE, SETTLED, REST, IDLE] = [2000, 200, 1500, 5000, 700, 5000, 5 * 60_000];

class News extends HTMLElement {
  #after = 0;
  #unseen = 0;
  #writing = false;
  #touched = Date.now();
  #here = "";
  #bannerTimer = 0;
  #lineTimer = 0;
  /** @type {Set<string>} */
  #topics = new Set();
  /** What changed and is not told yet: the rows of each topic, or all of it. @type {Map<string, Set<number> | "all">} */
  #changed = new Map();
  /** Topics that turned and are not told yet, and those told just now. @type {Set<string>} */
  #turned = new Set();
  /** @type {Set<string>} */
  #resting = new Set();
  /** @type {ReturnType<typeof connect> | undefined} */
  #line;
  #end = new AbortController();

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    this.#after = Number(this.dataset.after);
    this.#topics = topicsOfPage();
    document.addEventListener("htmx:after:swap", () => this.#turn(), { signal });
    document.addEventListener("tiski:writing", (event) => this.#write(/** @type {CustomEvent} */ (event).detail), { signal });
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    addEventListener("focus", () => this.#look(), { signal });
    for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => this.#touch(), { signal, passive: true });
    const idle = window.requestIdleCallback ?? ((/** @type {() => void} */ act) => setTimeout(act, 1));
    idle(() => this.isConnected && this.#connect(), { timeout: 1000 });
  }

  disconnectedCallback() {
    this.#end.abort();
    this.#line?.close();
  }

  #connect() {
    const url = new URL(this.dataset.socket ?? "", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.#line = connect({
      url: url.href,
      hello: () => ({ t: "hello", csrf: token(), after: this.#after, topics: [...this.#topics] }),
      onframe: (frame) => this.#heard(frame),
      onstate: (state) => this.#changedState(state),
      poll: () => this.#poll(),
    });
  }

  async #poll() {
    const url = new URL(this.dataset.poll ?? "", location.href);
    url.searchParams.set("after", String(this.#after));
    url.searchParams.set("topics", [...this.#topics].join(","));
    const answer = await ask(url.href, { headers: { Accept: "application/json" } });
    if (answer.status === 401) this.#changedState("expired");
    if (answer.status === 204) return false;
    if (!answer.ok) throw new Error(String(answer.status));
    const { seq, news, resync } = /** @type {{seq: number, news: Down[], resync: boolean}} */ (await answer.json());
    for (const frame of news) this.#heard(frame);
    if (resync) this.#heard({ t: "resync" });
    this.#after = Math.max(this.#after, seq);
    return resync || news.length > 0;
  }

  /** @param {Down} frame */
  #heard(frame) {
    if ("seq" in frame) this.#after = Math.max(this.#after, frame.seq);
    if (frame.t === "ready") this.#say(true);
    if (frame.t === "now") document.body.dispatchEvent(new CustomEvent(`now:${frame.topic}`, { detail: frame }));
    if (frame.t === "resync") for (const topic of this.#topics) setTimeout(() => this.#startOver(topic), Math.random() * SPREAD);
    if (frame.t !== "news") return;
    if (frame.ring) this.#ring();
    const keys = this.#changed.get(frame.topic) ?? new Set();
    if (frame.key === undefined) this.#changed.set(frame.topic, "all");
    else if (keys !== "all") this.#changed.set(frame.topic, keys.add(frame.key));
    if (frame.turns) this.#turned.add(frame.topic);
    if (!document.hidden) this.#soon();
  }

  /** A little later, and not in the same millisecond as fifty other consoles. */
  #soon() {
    this.#lineTimer ||= window.setTimeout(() => {
      this.#lineTimer = 0;
      if (document.hidden) return;
      const changed = [...this.#changed];
      this.#changed.clear();
      for (const [topic, keys] of changed) this.#tell(topic, keys === "all" ? [] : [...keys]);
      for (const topic of this.#turned) this.#tellTurned(topic);
    }, Math.random() * JITTER);
  }

  /** One thing at once; of many within moments, then after a rest, and not in step with other consoles. @param {string} topic */
  #tellTurned(topic) {
    if (/-\d+$/.test(topic)) return this.#sayTurned(topic);
    if (this.#resting.has(topic)) return;
    this.#resting.add(topic);
    setTimeout(() => this.#sayTurned(topic), Math.random() * MOMENTS);
    setTimeout(() => {
      this.#resting.delete(topic);
      if (this.#turned.has(topic) && !document.hidden) this.#tellTurned(topic);
    }, MOMENTS + REST * Math.random());
  }

  /** @param {string} topic */
  #sayTurned(topic) {
    this.#turned.delete(topic);
    document.body.dispatchEvent(new CustomEvent(`turned:${topic}`));
  }

  /** @param {string} topic */
  #startOver(topic) {
    this.#tell(topic, []);
    this.#turned.add(topic);
    this.#tellTurned(topic);
  }

  /** @param {string} topic @param {number[]} keys rows that changed; none means all of them may have */
  #tell(topic, keys) {
    document.body.dispatchEvent(new CustomEvent(`live:${topic}`, { detail: { keys } }));
  }

  /** The page shows something else: watch that, and say where this person is now. */
  #turn() {
    const wanted = topicsOfPage();
    const added = [...wanted].filter((topic) => !this.#topics.has(topic));
    const removed = [...this.#topics].filter((topic) => !wanted.has(topic));
    this.#topics = wanted;
    if (added.length) this.#line?.send({ t: "watch", topics: added });
    if (removed.length) this.#line?.send({ t: "unwatch", topics: removed });
    this.#writing = false;
    this.#say();
    // Presence at a topic is taken only once its watching has been allowed, which the server asks its database.
    if (added.length) setTimeout(() => this.#say(true), SETTLED);
    this.#drawTitle();
  }

  /** @param {boolean} writing */
  #write(writing) {
    this.#writing = writing;
    this.#say(writing);
  }

  /** Presence goes up only when it changed, or when writing has to be said again. @param {boolean} [anyway] */
  #say(anyway = false) {
    const open = /** @type {HTMLElement | null} */ (document.querySelector("[data-conversation]"));
    const away = document.hidden || Date.now() - this.#touched > IDLE;
    const conversation = open && !away ? Number(open.dataset.conversation) : null;
    const here = `${conversation} ${this.#writing}`;
    if (here === this.#here && !anyway) return;
    if (this.#line?.send({ t: "here", conversation, writing: this.#writing && conversation !== null })) this.#here = here;
  }

  #look() {
    if (!document.hidden) {
      this.#unseen = 0;
      this.#drawTitle();
      this.#soon();
      if (this.dataset.state === "expired") void renew().then((again) => again && this.#line?.open());
    }
    this.#say();
  }

  #touch() {
    const was = this.#touched;
    this.#touched = Date.now();
    if (this.#touched - was > IDLE) this.#say();
    if (this.#touched - was > 1000) this.#line?.wake();
  }

  #ring() {
    if (!document.hidden && document.hasFocus()) return;
    this.#unseen += 1;
    this.#drawTitle();
  }

  #drawTitle() {
    const bare = document.title.replace(/^\(\d+\) /, "");
    document.title = this.#unseen ? `(${this.#unseen}) ${bare}` : bare;
    const badge = this.#unseen ? navigator.setAppBadge?.(this.#unseen) : navigator.clearAppBadge?.();
    badge?.catch(() => undefined);
  }

  /** @param {import("./live.js").State} state */
  #changedState(state) {
    this.dataset.state = state;
    clearTimeout(this.#bannerTimer);
    if (state === "lost") this.#bannerTimer = window.setTimeout(() => offline(true), PATIENCE);
    else offline(false);
    const dialog = document.getElementById("signed-out");
    if (!(dialog instanceof HTMLDialogElement)) return;
    if (state === "expired" && !dialog.open) dialog.showModal();
    if (state === "open") dialog.close();
  }
}

function topicsOfPage() {
  const elements = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-topic]"));
  return new Set([...elements].flatMap((element) => (element.dataset.topic ?? "").split(" ")));
}

/** @param {boolean} is */
function offline(is) {
  const region = document.getElementById("offline");
  const banner = region?.querySelector(".banner");
  if (!is) banner?.remove();
  else if (!banner) region?.append(region.querySelector("template")?.content.cloneNode(true) ?? "");
}

customElements.define("tiski-news", News);
