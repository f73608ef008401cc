/**
 * One visitor's conversation: what was said, what is on its way, what is unread. It knows no DOM; whoever shows it is
 * told through `heard`. Messages are ordered by `seq`; a jump in `seq` asks for what is missing (widget.md 6).
 */

import { openOutbox } from "./outbox.js";
import { newVisitor, uuid } from "./store.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Ready} Ready */
/** @typedef {ReturnType<typeof openConversation>} Conversation */
/**
 * @typedef {object} Heard
 * @property {() => void} welcomed what was said before has been loaded for the first time
 * @property {() => void} changed something to draw anew
 * @property {(messages: Message[]) => void} arrived messages of others, just now
 * @property {(state: import("./types.js").CounterState) => void} state hours and the person at the counter
 * @property {(name: string | null) => void} typing
 * @property {(state: string) => void} connection "open", "lost" or "polling"
 * @property {(text: string) => void} refused a refusal that concerns no message
 * @property {() => void} elsewhere another tab started or forgot the conversation
 */

const KEEP = 300;
const TYPING_PAUSE = 3000;

/**
 * @param {object} options
 * @param {import("./store.js").Store} options.store
 * @param {(wiring: Omit<Parameters<typeof import("./transport.js").openLine>[0], "socket" | "api">)
 *          => import("./transport.js").Line} options.dial
 * @param {string} options.lang
 * @param {string} options.unsent words for a message nobody answered for
 * @param {Heard} options.heard
 */
export function openConversation({ store, dial, lang, unsent, heard }) {
  let visitor = store.visitor() || newVisitor();
  /** @type {Message[]} */
  let messages = [];
  let seen = Number(store.get("read") || 0);
  let lastTyped = 0;
  let welcomed = false;
  let filling = false;
  let keep = KEEP;
  let mode = "lost";
  /** @type {import("./types.js").Person | null} who answered last, or who the counter says will */
  let lastAgent = null;

  /** @type {{readByOthers: number, more: boolean, closed: boolean}} */
  const facts = { readByOthers: 0, more: false, closed: false };
  const line = dial({ visitor: () => visitor, after: last, onframe: hear, onstate: connected });
  const outbox = openOutbox({ store, line, onstored, onchange: () => heard.changed(), unsent });
  const unlisten = store.listen((name) => {
    if (name === "read") {
      seen = Math.max(seen, Number(store.get("read") || 0));
      heard.changed();
    }
    const kept = name === "visitor" ? store.visitor() : visitor;
    const begunElsewhere = name === "read" && seen > 0 && last() === 0;
    if (!kept || kept.token !== visitor.token || begunElsewhere) heard.elsewhere();
  });

  /** @param {string} state */
  function connected(state) {
    mode = state;
    heard.connection(state);
  }

  function last() {
    return messages.length ? messages[messages.length - 1].seq : 0;
  }

  /** @param {Frame} frame */
  function hear(frame) {
    if (frame.t === "ready") ready(/** @type {Ready} */ (frame));
    else if (frame.t === "message") arrive(/** @type {any} */ (frame));
    else if (frame.t === "ack") outbox.acknowledged(frame.client_id, frame.seq);
    else if (frame.t === "refused" && frame.client_id) outbox.refused(frame);
    else if (frame.t === "refused") heard.refused(frame.text);
    else if (frame.t === "now") heard.typing(frame.typing ? frame.name || "" : null);
    else if (frame.t === "state") readUpTo(frame.read);
    else if (frame.t === "closed") close();
    else if (frame.t === "resync") fill();
  }

  /** @param {Ready} frame */
  function ready(frame) {
    const first = !welcomed;
    const fresh = frame.messages.filter((message) => message.seq > last() && message.author.kind !== "customer");
    if (first) facts.more = frame.more;
    welcomed = true;
    frame.messages.forEach(put);
    if (frame.read) facts.readByOthers = frame.read;
    if (frame.state) heard.state(frame.state);
    if (frame.state && frame.state.agent) lastAgent = frame.state.agent;
    if (visitor.conversation) store.keep(visitor);
    outbox.resume(mode === "polling");
    if (!first && fresh.length) heard.arrived(fresh);
    heard.changed();
    if (first) heard.welcomed();
    if (!first && frame.more) fill();
  }

  /** @param {Message} message */
  function arrive(message) {
    const gap = message.seq > last() + 1;
    const known = messages.some((other) => other.seq === message.seq);
    put(message);
    if (message.author.kind !== "customer") heard.typing(null);
    if (!known && message.author.kind !== "customer") heard.arrived([message]);
    heard.changed();
    if (gap) fill();
  }

  /** Ask for whatever lies between the messages we have, page by page, until nothing new comes. */
  async function fill() {
    if (filling) return;
    filling = true;
    for (let before = -1; before < messages.length; ) {
      before = messages.length;
      const hole = messages.findIndex((message, place) => place > 0 && message.seq !== messages[place - 1].seq + 1);
      const answer = await line.later(hole > 0 ? messages[hole - 1].seq : last());
      if (!answer) break;
      answer.messages.forEach(put);
      heard.changed();
      if (hole < 0 && !answer.more) break;
    }
    filling = false;
  }

  /** @param {Message} message */
  function put(message) {
    if (message.client_id) outbox.acknowledged(message.client_id, message.seq);
    let place = messages.length;
    while (place > 0 && messages[place - 1].seq > message.seq) place -= 1;
    const same = place > 0 && messages[place - 1].seq === message.seq ? messages[place - 1] : null;
    if (same) Object.assign(same, { ...message, files: message.files.map((file, n) => ({ ...same.files[n], ...file })) });
    else messages.splice(place, 0, message);
    facts.closed = false;
    const agent = messages.filter((other) => other.author.kind === "agent").pop();
    lastAgent = agent ? agent.author : lastAgent;
    if (messages.length <= keep) return;
    messages = messages.slice(-keep);
    facts.more = true;
  }

  /** @param {import("./types.js").Parcel} parcel @param {number} seq */
  function onstored(parcel, seq) {
    const author = /** @type {const} */ ({ kind: "customer", name: "", photo: null });
    const gap = last() > 0 && seq > last() + 1;
    put({ seq, client_id: parcel.client_id, author, at: parcel.at, body: parcel.body, files: parcel.files });
    markRead();
    if (gap) fill();
  }

  /** What is shown has been seen; storage tells the other tabs. */
  function markRead() {
    if (last() <= seen) return;
    seen = last();
    store.set("read", seen);
    line.say({ t: "read", seq: seen });
  }

  /** @param {number} seq */
  function readUpTo(seq) {
    facts.readByOthers = Math.max(facts.readByOthers, seq || 0);
    heard.changed();
  }

  function close() {
    facts.closed = true;
    heard.changed();
  }

  return {
    facts,
    messages: () => messages,
    parcels: () => outbox.list(),
    seen: () => seen,
    token: () => visitor.token,
    welcomed: () => welcomed,
    started: () => Boolean(visitor.conversation),
    agent: () => lastAgent,
    unread: () => messages.filter((message) => message.seq > seen && message.author.kind !== "customer").length,

    /** @param {string} body @param {import("./types.js").FileRef[]} files @param {string} page */
    say(body, files, page) {
      if (!visitor.conversation) visitor = { ...visitor, conversation: uuid() };
      store.keep(visitor);
      const at = new Date().toISOString();
      const state = /** @type {const} */ ("sending");
      const conversation = String(visitor.conversation);
      const parcel = { client_id: uuid(), conversation, at, body, files, page, lang, state, reason: "", final: false, due: 0 };
      outbox.add(parcel);
    },

    retry: outbox.retry,
    drop: outbox.drop,

    /** Everything shown has been seen. */
    read() {
      markRead();
      heard.changed();
    },

    /** The visitor is writing; told at most every three seconds. */
    typed() {
      if (Date.now() - lastTyped < TYPING_PAUSE) return;
      lastTyped = Date.now();
      if (mode === "polling") line.wake();
      else line.say({ t: "typing" });
    },

    /** Load what was said before. */
    async earlier() {
      const answer = await line.earlier(messages.length ? messages[0].seq : 0);
      if (!answer) return;
      facts.more = answer.more;
      const known = new Set(messages.map((message) => message.seq));
      messages = answer.messages.filter((message) => !known.has(message.seq)).concat(messages);
      keep = Math.max(KEEP, messages.length);
      heard.changed();
    },

    hangUp() {
      unlisten();
      outbox.close();
      line.close();
    },
  };
}
