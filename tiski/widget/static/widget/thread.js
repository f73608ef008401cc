/**
 * The conversation as it is read: days, groups of bubbles, the line before what is new, and a pill that leads back to
 * the end. Who has scrolled up more than 100 px is never moved.
 *
 *     <div class="log" role="log" tabindex="0">…</div><button class="pill">2 new messages</button>
 */

import { drawMessage, updateMessage } from "./bubble.js";
import { h, icon } from "./dom.js";

/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./bubble.js").Said} Said */
/** @typedef {Said & {divider?: boolean}} Line a message, perhaps the first new one */
/** @typedef {{key: string, make: () => HTMLElement, update?: (node: HTMLElement) => void}} Entry */
/** @typedef {ReturnType<typeof openThread>} Thread */

const NEAR = 100;
const TOGETHER = 5 * 60 * 1000;
const TYPING_FOR = 6000;

/** @param {import("./bubble.js").Scene & {intro: HTMLElement}} scene */
export function openThread(scene) {
  const { t, day } = scene.words;
  const log = h("div", { class: "log", role: "log", tabindex: 0, "aria-live": "off", "aria-label": t("conversation") });
  const pillWords = h("span");
  const pill = h("button", { type: "button", class: "pill", hidden: true, onclick: () => toEnd() }, pillWords, icon("down"));
  const typing = h("div", { class: "typing", hidden: true }, h("i"), h("i"), h("i"), h("span", { class: "typing__words" }));
  const node = h("div", { class: "thread" }, log, typing, pill);
  /** @type {Map<string, HTMLElement>} */
  const drawn = new Map();
  let dividerAfter = -1;
  let missed = 0;
  let typingTimer = 0;
  let newest = "";
  let stuck = true;

  log.addEventListener("scroll", () => {
    stuck = atEnd();
    if (stuck) missed = 0;
    showPill();
  }, { passive: true });
  new ResizeObserver(() => stuck && toEnd()).observe(log);

  /** @param {Conversation} conversation */
  function draw(conversation) {
    const stay = stuck;
    const height = log.scrollHeight;
    const top = log.scrollTop;
    const said = listSaid(conversation);
    const grewAbove = drawn.size > 1 && said.length > 0 && !drawn.has(said[0].key);
    const latest = said.length ? said[said.length - 1] : null;
    const wroteNow = Boolean(latest && latest.mine && latest.key !== newest && latest.state === "sending");
    newest = latest ? latest.key : "";
    reconcile(entries(said, conversation));
    if (wroteNow || stay) toEnd();
    else if (grewAbove && log.scrollTop === top) log.scrollTop = top + log.scrollHeight - height;
    showPill();
  }

  /** @param {Line[]} said @param {Conversation} conversation @returns {Entry[]} */
  function entries(said, conversation) {
    /** @type {Entry[]} */
    const list = [conversation.facts.more ? earlierEntry(conversation) : { key: "intro", make: () => scene.intro }];
    let date = "";
    for (const one of said) {
      if (one.at.toDateString() !== date) {
        date = one.at.toDateString();
        const heading = day(one.at);
        list.push({ key: `day-${date}`, make: () => rule("day", heading), update: (line) => relabel(line, heading) });
      }
      if (one.divider) list.push({ key: "new", make: () => rule("new", t("new")) });
      if (one.author.kind === "system") list.push({ key: one.key, make: () => h("p", { class: "event" }, one.body) });
      else list.push({ key: one.key, make: () => drawMessage(one, scene), update: (bubble) => updateMessage(bubble, one, scene) });
    }
    if (conversation.facts.closed) list.push({ key: "closed", make: () => h("p", { class: "event" }, t("ended")) });
    return list;
  }

  /** @param {Conversation} conversation @returns {Entry} */
  function earlierEntry(conversation) {
    const make = () => h("button", { type: "button", class: "plain earlier", onclick: () => conversation.earlier() }, t("earlier"));
    return { key: "earlier", make };
  }

  /** Keep what is there, put what is missing in its place, take away what is gone. @param {Entry[]} list */
  function reconcile(list) {
    const keys = new Set(list.map((entry) => entry.key));
    for (const [key, old] of drawn) {
      if (keys.has(key)) continue;
      old.remove();
      drawn.delete(key);
    }
    /** @type {ChildNode | null} */
    let place = log.firstChild;
    for (const entry of list) {
      const known = drawn.get(entry.key);
      const child = known || entry.make();
      if (known && entry.update) entry.update(known);
      drawn.set(entry.key, child);
      if (child === place) place = place.nextSibling;
      else log.insertBefore(child, place);
    }
  }

  /** @param {Conversation} conversation @returns {Line[]} */
  function listSaid(conversation) {
    const { facts } = conversation;
    /** @type {Line[]} */
    const said = conversation.messages().map((message) => {
      const mine = message.author.kind === "customer";
      return {
        key: message.client_id || String(message.seq), mine, author: message.author, at: new Date(message.at),
        body: message.body, files: message.files, state: mine ? (message.seq <= facts.readByOthers ? "read" : "sent") : "",
        reason: "", first: true, last: true, latest: false, retry: () => {}, drop: () => {},
        divider: !mine && dividerAfter >= 0 && message.seq > dividerAfter,
      };
    });
    for (const parcel of conversation.parcels()) {
      said.push({
        key: parcel.client_id, mine: true, author: { kind: "customer", name: "", photo: null }, at: new Date(parcel.at),
        body: parcel.body, files: parcel.files, state: parcel.state, reason: parcel.reason, first: true, last: true,
        latest: false, retry: () => conversation.retry(parcel), drop: () => conversation.drop(parcel),
      });
    }
    return grouped(said);
  }

  function atEnd() {
    return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  }

  function toEnd() {
    stuck = true;
    missed = 0;
    log.scrollTop = log.scrollHeight;
    showPill();
  }

  function showPill() {
    const away = log.scrollHeight - log.scrollTop - log.clientHeight;
    pill.hidden = away < NEAR || (!missed && away < log.clientHeight);
    pillWords.textContent = missed ? t("unread", { count: missed }) : t("latest");
  }

  return {
    node,
    log,
    draw,

    /** Messages came while the reader may be elsewhere in the thread. @param {number} count */
    missed(count) {
      if (!stuck) missed += count;
      showPill();
    },

    /** After which message the unread begins; negative when nothing is unread. @param {number} seq */
    markNew(seq) {
      dividerAfter = seq;
    },

    /** Go to what is new, or to the end. */
    arrive() {
      const line = drawn.get("new");
      if (!line) return toEnd();
      log.scrollTop = line.offsetTop - log.offsetTop - 48;
      stuck = atEnd();
    },

    /** @param {string | null} name the person who writes; null when nobody does */
    typing(name) {
      clearTimeout(typingTimer);
      typing.hidden = name === null;
      if (name === null) return;
      const words = /** @type {HTMLElement} */ (typing.querySelector(".typing__words"));
      words.textContent = name ? t("typing", { name }) : t("typing_somebody");
      typingTimer = window.setTimeout(() => (typing.hidden = true), TYPING_FOR);
    },
  };
}

/**
 * Neighbours of one author within five minutes form a group; the first carries the name, the last face and time.
 * @param {Line[]} said
 */
function grouped(said) {
  let divided = false;
  said.forEach((one, place) => {
    const before = said[place - 1];
    if (divided) one.divider = false;
    divided = divided || Boolean(one.divider);
    one.first = !before || !together(before, one) || Boolean(one.divider);
    if (before) before.last = one.first;
  });
  const mine = said.filter((one) => one.mine);
  if (mine.length && mine[mine.length - 1] === said[said.length - 1]) mine[mine.length - 1].latest = true;
  return said;
}

/** @param {Said} a @param {Said} b */
function together(a, b) {
  const near = b.at.getTime() - a.at.getTime() < TOGETHER && a.at.toDateString() === b.at.toDateString();
  return a.mine === b.mine && a.author.kind === b.author.kind && a.author.name === b.author.name && a.state !== "failed" && near;
}

/** @param {string} kind @param {string} words */
function rule(kind, words) {
  return h("p", { class: `rule rule--${kind}` }, h("span", {}, words));
}

/** @param {HTMLElement} line @param {string} words */
function relabel(line, words) {
  if (line.textContent !== words) /** @type {HTMLElement} */ (line.firstChild).textContent = words;
}
