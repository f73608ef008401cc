/**
 * What the visitor's browser remembers, under `tiski.<key>.<name>`. Blocked storage means a conversation for this page
 * view and no error: memory takes its place.
 */

const THIRTY_DAYS = 30 * 24 * 3600 * 1000;

/** @typedef {{token: string, conversation: string | null}} Visitor */
/** @typedef {ReturnType<typeof openStore>} Store */

/** @param {string} key the widget's public key */
export function openStore(key) {
  const prefix = `tiski.${key}.`;
  const store = {
    /** @param {string} name @returns {any} */
    get(name) {
      return read(prefix + name);
    },

    /** @param {string} name @param {unknown} value null forgets */
    set(name, value) {
      write(prefix + name, value);
    },

    /** The visitor who has sent a message within 30 days. @returns {Visitor | null} */
    visitor() {
      const kept = read(`${prefix}visitor`);
      if (!kept || !kept.token || Date.now() - kept.at > THIRTY_DAYS) return null;
      return { token: kept.token, conversation: kept.conversation };
    },

    /** Keep the visitor; called again on every use, which renews the 30 days. @param {Visitor} visitor */
    keep(visitor) {
      write(`${prefix}visitor`, { token: visitor.token, conversation: visitor.conversation, at: Date.now() });
    },

    /** Forget everything about this visitor. */
    clear() {
      for (const name of ["visitor", "unsent", "draft", "read", "open"]) write(prefix + name, null);
    },

    /**
     * Tell when another tab changed something. @param {(name: string) => void} heard
     * @returns {() => void} stops listening
     */
    listen(heard) {
      /** @param {StorageEvent} event */
      const listener = (event) => {
        if (event.key && event.key.startsWith(prefix)) heard(event.key.slice(prefix.length));
      };
      window.addEventListener("storage", listener);
      return () => window.removeEventListener("storage", listener);
    },
  };
  return store;
}

/** @type {Map<string, string>} Stands in for blocked storage. */
const memory = new Map();

/** @param {string} key */
function read(key) {
  let text = memory.get(key);
  try {
    text = localStorage.getItem(key) || text;
  } catch {
    // Storage is blocked: what this page remembers is all there is.
  }
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** @param {string} key @param {unknown} value */
function write(key, value) {
  const text = value === null ? null : JSON.stringify(value);
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
    memory.delete(key);
  } catch {
    if (text === null) memory.delete(key);
    else memory.set(key, text);
  }
}

/** A visitor nobody has met: 256 random bits. @returns {Visitor} */
export function newVisitor() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const token = btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return { token, conversation: null };
}

/** A UUID version 7 (RFC 9562 section 5.7), made by hand because `crypto.randomUUID` is missing on http pages. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let time = Date.now();
  for (let place = 5; place >= 0; place -= 1) {
    bytes[place] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  let hex = "";
  for (const byte of bytes) hex += (byte + 256).toString(16).slice(1);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
