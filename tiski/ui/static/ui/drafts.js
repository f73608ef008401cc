/**
 * What was written and not sent: a copy on the device at once, one on the server a little later, one save at a time.
 *
 *     const draft = new Draft(url, "7", {reply: 3, note: 0}, (where) => …);
 *     draft.keep("reply", text, files, save);  const answer = await draft.send("reply", () => ask(…));
 *
 * Each mode has a version of its own. Sending raises it too, so a save that comes late cannot revive what was sent.
 */

const [ON_DEVICE, ON_SERVER] = [300, 500];

export class Draft {
  #url;
  #id;
  /** @type {Record<string, number>} */
  #versions;
  #told;
  #device = 0;
  #server = 0;
  /** @type {Promise<void>} */
  #saving = Promise.resolve();
  /** @type {(() => Promise<void>) | null} */
  #waiting = null;

  /**
   * @param {string} url where it is saved @param {string} id of the composer @param {Record<string, number>} versions by mode
   * @param {(where: "server" | "device") => void} told
   */
  constructor(url, id, versions, told) {
    this.#url = url;
    this.#id = id;
    this.#versions = versions;
    this.#told = told;
  }

  /** Text that this device has and the server has not; null when there is none. @param {string} mode */
  unsaved(mode) {
    const kept = read(this.#key(mode));
    return kept && kept.version === this.#versions[mode] ? kept.text : null;
  }

  /** @param {string} mode @param {string} text @param {string[]} files @param {(url: string, body: URLSearchParams) => Promise<Response>} save */
  keep(mode, text, files, save) {
    clearTimeout(this.#device);
    clearTimeout(this.#server);
    this.#device = window.setTimeout(() => this.hold(mode, text), ON_DEVICE);
    this.#waiting = () => this.#save(mode, text, files, save);
    this.#server = window.setTimeout(() => this.#next(), ON_SERVER);
  }

  /**
   * Send after the save under way and before the next one; what still waits to be saved is part of what is sent.
   * @param {string} mode @param {() => Promise<Response>} post @returns {Promise<Response | null>} null when nobody answers
   */
  send(mode, post) {
    clearTimeout(this.#device);
    clearTimeout(this.#server);
    this.#waiting = null;
    const answer = this.#saving.then(post).catch(() => null);
    this.#saving = answer.then((said) => {
      if (!said?.ok) return;
      this.adopt(mode, said);
      write(this.#key(mode), null);
    });
    return answer;
  }

  /** The version the server has now. @param {string} mode @param {Response} answer */
  adopt(mode, answer) {
    const version = answer.headers.get("Draft-Version");
    if (version) this.#versions[mode] = Number(version);
    return Boolean(version);
  }

  /** Save now what waits: the person is leaving. */
  flush() {
    clearTimeout(this.#server);
    this.#next();
    return this.#saving;
  }

  /** Keep on this device what could not be sent, should the page be left before it is. @param {string} mode @param {string} text */
  hold(mode, text) {
    write(this.#key(mode), { text, version: this.#versions[mode] });
  }

  #next() {
    const save = this.#waiting;
    this.#waiting = null;
    if (save) this.#saving = this.#saving.then(save);
  }

  /** @param {string} mode @param {string} text @param {string[]} files @param {(url: string, body: URLSearchParams) => Promise<Response>} save */
  async #save(mode, text, files, save) {
    const post = () => {
      const body = new URLSearchParams({ mode, body: text, version: String(this.#versions[mode]) });
      for (const file of files) body.append("files", file);
      return save(this.#url, body).catch(() => null);
    };
    let answer = await post();
    // Written on another device meanwhile: whoever types last is right, and that is here.
    if (answer?.status === 409 && this.adopt(mode, answer)) answer = await post();
    if (!answer?.ok) return this.#told("device");
    this.adopt(mode, answer);
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
