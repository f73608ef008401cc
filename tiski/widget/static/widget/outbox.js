/**
 * Messages on their way, in order. Each is kept in storage until the counter has acknowledged it, so a page change in
 * the middle of sending loses nothing; the same `client_id` twice stores once (widget.md 6).
 */

import { messageFrame } from "./transport.js";

/** @typedef {import("./types.js").Parcel} Parcel */
/** @typedef {ReturnType<typeof openOutbox>} Outbox */

const ACK_WITHIN = 10_000;
const LONGEST_WAIT = 60;

/**
 * @param {object} outbox
 * @param {import("./store.js").Store} outbox.store
 * @param {Pick<import("./transport.js").Line, "say" | "post">} outbox.line
 * @param {(parcel: Parcel, seq: number) => void} outbox.onstored
 * @param {() => void} outbox.onchange
 * @param {string} outbox.unsent words for a message nobody answered for
 */
export function openOutbox({ store, line, onstored, onchange, unsent }) {
  /** @type {Parcel[]} */
  let parcels = (store.get("unsent") || []).map((/** @type {Parcel} */ kept) => fresh(kept));
  let polling = false;
  let posting = false;
  const timer = setInterval(() => parcels.some(isOverdue) && post(), 1000);

  function save() {
    store.set("unsent", parcels.length ? parcels.map(storable) : null);
    onchange();
  }

  /** @param {Parcel} parcel */
  function send(parcel) {
    parcel.due = Date.now() + ACK_WITHIN;
    if (!line.say(messageFrame(parcel)) && polling) post();
  }

  /** By plain requests, one at a time, so that messages arrive in the order they were written. */
  async function post() {
    if (posting) return;
    posting = true;
    for (let parcel = parcels.find(isSending); parcel; parcel = parcels.find(isSending)) {
      const answer = await line.post(parcel);
      if (!answer) stall();
      else if (answer.t === "ack") box.acknowledged(parcel.client_id, answer.seq);
      else box.refused({ ...answer, client_id: parcel.client_id });
      if (parcels.includes(parcel) && isSending(parcel)) break;
    }
    posting = false;
  }

  /** Nobody answers: all that waits says so together, and goes again in order when somebody does. */
  function stall() {
    for (const parcel of parcels.filter(isSending)) Object.assign(parcel, { state: "failed", reason: unsent });
    save();
  }

  const box = {
    /** Everything not yet acknowledged, oldest first. */
    list: () => parcels,

    /** @param {Parcel} parcel */
    add(parcel) {
      parcels.push(parcel);
      save();
      send(parcel);
    },

    /** Send again what the visitor asks for, or, when the line was the trouble, everything it held up. @param {Parcel} chosen */
    retry(chosen) {
      const again = chosen.final ? [chosen] : parcels.filter((parcel) => !parcel.final);
      for (const parcel of again) Object.assign(parcel, fresh(parcel));
      save();
      again.forEach(send);
    },

    /** @param {Parcel} parcel */
    drop(parcel) {
      parcels = parcels.filter((other) => other !== parcel);
      save();
    },

    /** The counter answers: send in order whatever it has not acknowledged. @param {boolean} overRequests */
    resume(overRequests) {
      polling = overRequests;
      const waiting = parcels.filter((parcel) => !parcel.final);
      for (const parcel of waiting) Object.assign(parcel, fresh(parcel));
      if (!waiting.length) return;
      onchange();
      waiting.forEach(send);
    },

    /** @param {string} id the message's client id @param {number} seq */
    acknowledged(id, seq) {
      const parcel = parcels.find((waiting) => waiting.client_id === id);
      if (!parcel) return;
      parcels = parcels.filter((waiting) => waiting !== parcel);
      onstored(parcel, seq);
      save();
    },

    /** Refused: for a moment (it is sent again by itself) or for good. @param {import("./types.js").Frame} refusal */
    refused(refusal) {
      const parcel = parcels.find((waiting) => waiting.client_id === refusal.client_id);
      if (!parcel) return;
      if (refusal.retry_after && refusal.retry_after <= LONGEST_WAIT) {
        for (const later of parcels.filter(isSending)) later.due = Date.now() + refusal.retry_after * 1000;
        return;
      }
      Object.assign(parcel, { state: "failed", reason: refusal.text || unsent, final: true });
      save();
    },

    /** Stop; what is unsent stays in storage. */
    close: () => clearInterval(timer),
  };
  return box;
}

/** @param {Parcel} parcel @returns {Parcel} */
function fresh(parcel) {
  return { ...parcel, state: "sending", reason: "", final: false, due: Date.now() + ACK_WITHIN };
}

/** @param {Parcel} parcel */
function isSending(parcel) {
  return parcel.state === "sending";
}

/** @param {Parcel} parcel */
function isOverdue(parcel) {
  return isSending(parcel) && Date.now() > parcel.due;
}

/** Without the local picture, which storage cannot hold. @param {Parcel} parcel */
function storable(parcel) {
  return { ...parcel, due: 0, files: parcel.files.map(({ id, name, size, type }) => ({ id, name, size, type })) };
}
