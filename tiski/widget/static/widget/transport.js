/**
 * The line between this page and the counter: one socket kept up by the shared `live.js`, and plain requests with the
 * visitor's token in a header where sockets are blocked. The token is never part of an address.
 */

import { connect } from "../ui/live.js";

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Parcel} Parcel */
/** @typedef {import("./types.js").Ready} Ready */
/** @typedef {ReturnType<typeof openLine>} Line */

const PATIENCE = 15_000;

/**
 * @param {object} line
 * @param {string} line.socket address of the socket
 * @param {string} line.api where messages and files are posted, with a slash at the end
 * @param {() => import("./store.js").Visitor} line.visitor
 * @param {() => number} line.after the last seq this page has
 * @param {(frame: Frame) => void} line.onframe
 * @param {(state: string) => void} line.onstate "open", "lost" or "polling"
 */
export function openLine({ socket, api, visitor, after, onframe, onstate }) {
  const live = connect({
    url: socket,
    hello: () => ({ t: "hello", token: visitor().token, conversation: visitor().conversation, after: after() }),
    onframe,
    onstate,
    poll: async () => {
      const news = await ask({ after: after() });
      if (!news) throw new Error("nobody answers");
      onframe(news);
      return news.messages.length > 0;
    },
  });

  /** @param {Record<string, string | number>} query @returns {Promise<Ready | null>} null when there is no answer */
  async function ask(query) {
    const address = new URL("messages/", api);
    const { token, conversation } = visitor();
    if (conversation) address.searchParams.set("conversation", conversation);
    for (const name of Object.keys(query)) address.searchParams.set(name, String(query[name]));
    const answer = await request(address.href, token, {});
    return answer && answer.t === "ready" ? /** @type {Ready} */ (answer) : null;
  }

  return {
    /** Send a frame on the socket; false when there is none. @param {Frame} frame */
    say: (frame) => live.send(frame),

    /** Somebody is writing: while polling, ask briskly again. */
    wake: () => live.wake(),

    /** Post one message; resolves to the `ack` or `refused` frame, or null when nobody answered. @param {Parcel} parcel */
    post(parcel) {
      return request(new URL("messages/", api).href, visitor().token, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(messageFrame(parcel)),
        keepalive: true,
      });
    },

    /** Messages after a seq, as in the first load. @param {number} seq */
    later: (seq) => ask({ after: seq }),

    /** Messages before a seq. @param {number} seq */
    earlier: (seq) => ask({ before: seq }),

    close: () => live.close(),
  };
}

/** The frame that carries a message, the same on the socket and in a request. @param {Parcel} parcel */
export function messageFrame(parcel) {
  return {
    t: "message",
    client_id: parcel.client_id,
    conversation: parcel.conversation,
    body: parcel.body,
    page: parcel.page,
    lang: parcel.lang,
    files: parcel.files.map((file) => file.id),
  };
}

/**
 * @param {string} address @param {string} token @param {RequestInit} traits
 * @returns {Promise<Frame | null>} null when the answer is no frame
 */
async function request(address, token, traits) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  try {
    const answer = await fetch(address, {
      ...traits,
      headers: { ...traits.headers, Authorization: `Bearer ${token}` },
      credentials: "omit",
      cache: "no-store",
      signal: patience.signal,
    });
    const frame = await answer.json();
    return frame && typeof frame.t === "string" ? frame : null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
