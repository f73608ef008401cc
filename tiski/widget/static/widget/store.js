/**
 * What the visitor's browser remembers, under `tiski.<key>.<name>`. Blocked storage means a conversation for this page
 * view and no error: memory takes its place.
 */

const THIRTY_DAYS = 30 * 24 * 3600 * 1000;

/** @typedef {{token: string, conversation: string | null}} Visitor */
/** @typedef {ReturnType<typeof openStore>} Store */

/** @param {string} key the widget's public key @param {boolean} lasting false keeps everything in this page alone */
export function openStore(key, lasting) {
  const prefix = `tiski.${key}.`;
  /** @type {Map<string, string>} stands in for storage that is blocked or not wanted */
  const memory = new Map();

  /** @param {string} name */
  function read(name) {
    let text = memory.get(name) || null;
    try {
      if (lasting && text === null) text = localStorage.getItem(prefix + name);
      return text ? JSON.parse(text) : null;
    } catch {
      return null;
    }
  }

  /** @param {string} name @param {unknown} value null forgets */
  function write(name, value) {
    const text = value === null ? null : JSON.stringify(value);
    memory.delete(name);
    try {
      if (!lasting) throw new Error("kept in this page alone");
      if (text === null) localStorage.removeItem(prefix + name);
      else localStorage.setItem(prefix + name, text);
    } catch {
      if (text !== null) memory.set(name, text);
    }
  }

  return {
    /** @param {string} name @returns {any} */
    get: read,

    /** @param {string} name @param {unknown} value null forgets */
    set: write,

    /** The visitor who has sent a message within 30 days. @returns {Visitor | null} */
    visitor() {
      const kept = read("visitor");
      if (!kept || !kept.token || Date.now() - kept.at > THIRTY_DAYS) return null;
      return { token: kept.token, conversation: kept.conversation };
    },

    /** Keep the visitor; called again on every use, which renews the 30 days. @param {Visitor} visitor */
    keep(visitor) {
      write("visitor", { token: visitor.token, conversation: visitor.conversation, at: Date.now() });
    },

    /** Forget everything about this visitor. */
    clear() {
      for (const name of ["visitor", "unsent", "draft", "read", "open"]) write(name, null);
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
