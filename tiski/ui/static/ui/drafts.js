/**
 * What was written and not sent: a copy on the device at once, one on the server a little later, one save at a time.
 *
 *     const draft = new Draft(url, "7", version, (where) => …);
 *     draft.keep("reply", text, files);  await draft.settle();  draft.forget("reply");
 */

const [ON_DEVICE, ON_SERVER] = [300, 500];

export class Draft {
  #url;
  #id;
  #version;
  #told;
  #device = 0;
  #server = 0;
  /** @type {Promise<void>} */
  #saving = Promise.resolve();
  /** @type {(() => Promise<void>) | null} */
  #waiting = null;

  /**
   * @param {string} url where it is saved @param {string} id of the composer @param {number} version of the saved one
   * @param {(where: "server" | "device") => void} told
   */
  constructor(url, id, version, told) {
    this.#url = url;
    this.#id = id;
    this.#version = version;
    this.#told = told;
  }

  /** Text that this device has and the server has not; null when there is none. @param {string} mode */
  unsaved(mode) {
    const kept = read(this.#key(mode));
    return kept && kept.version === this.#version ? kept.text : null;
  }

  /** @param {string} mode @param {string} text @param {string[]} files @param {(url: string, body: URLSearchParams) => Promise<Response>} save */
  keep(mode, text, files, save) {
    clearTimeout(this.#device);
    clearTimeout(this.#server);
    this.#device = window.setTimeout(() => write(this.#key(mode), { text, version: this.#version }), ON_DEVICE);
    this.#waiting = () => this.#save(mode, text, files, save);
    this.#server = window.setTimeout(() => this.#next(), ON_SERVER);
  }

  /** Forget what still waits to be saved and let the save under way end, so that it cannot follow the sending. */
  settle() {
    clearTimeout(this.#device);
    clearTimeout(this.#server);
    this.#waiting = null;
    return this.#saving;
  }

  /** Save now what waits: the person is leaving. */
  flush() {
    clearTimeout(this.#server);
    this.#next();
    return this.#saving;
  }

  /** Keep on this device what could not be sent, should the page be left before it is. @param {string} mode @param {string} text */
  hold(mode, text) {
    write(this.#key(mode), { text, version: this.#version });
  }

  /** It was sent, and the server dropped its copy with the sending. @param {string} mode */
  forget(mode) {
    write(this.#key(mode), null);
  }

  #next() {
    const save = this.#waiting;
    this.#waiting = null;
    if (save) this.#saving = this.#saving.then(save);
  }

  /** @param {string} mode @param {string} text @param {string[]} files @param {(url: string, body: URLSearchParams) => Promise<Response>} save */
  async #save(mode, text, files, save) {
    const body = new URLSearchParams({ mode, body: text, version: String(this.#version) });
    for (const file of files) body.append("files", file);
    const answer = await save(this.#url, body).catch(() => null);
    if (!answer?.ok) return this.#told("device");
    this.#version = Number(answer.headers.get("Draft-Version") ?? this.#version);
    write(this.#key(mode), null);
    this.#told("server");
  }

  /** @param {string} mode */
  #key(mode) {
    return `tiski.draft.${this.#id}.${mode}`;
  }
}

/** @param {string} key @returns {{text: string, version: number} | null} */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/** Storage may be full or forbidden; the draft then lives on the server alone. @param {string} key @param {object | null} value */
function write(key, value) {
  try {
    if (value) localStorage.setItem(key, JSON.stringify(value));
    else localStorage.removeItem(key);
  } catch {
    return;
  }
}
