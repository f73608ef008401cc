/**
 * The composer: two modes with a draft each, a bubble that stands in the thread before the server has answered, files.
 *
 * The form posts by itself without scripts. The answer is the entry (200), the collision (409) or the reason (4xx).
 */

import { Draft } from "./drafts.js";
import { ask, fragment } from "./requests.js";
import { Thread } from "./thread.js";
import { Uploads } from "./uploads.js";

const [WRITING_AGAIN, WRITING_ENDS] = [4000, 6000];
const coarse = matchMedia("(pointer: coarse)");

class Composer extends HTMLElement {
  #end = new AbortController();
  #mode = "reply";
  #walking = false;
  #said = 0;
  #quiet = 0;
  /** What each mode holds while the other one is shown. @type {Record<string, string>} */
  #texts = {};

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    const form = this.form;
    this.#mode = this.mode;
    this.draft = new Draft(this.dataset.draftUrl ?? "", this.id, this.#versions(), (where) => this.#tellSaved(where));
    this.uploads = new Uploads({
      list: /** @type {HTMLElement} */ (this.querySelector(".composer-files")),
      template: /** @type {HTMLTemplateElement} */ (this.querySelector("template[data-file]")),
      url: this.dataset.filesUrl ?? "",
      changed: () => this.#keep(),
    });
    this.#restore();
    form.addEventListener("submit", (event) => this.#submit(/** @type {SubmitEvent} */ (event)), { signal });
    form.addEventListener("click", (event) => this.#choose(event), { signal });
    form.addEventListener("keydown", (event) => (this.#walking = event.key.startsWith("Arrow")), { signal });
    this.field.addEventListener("input", () => this.#typed(), { signal });
    this.field.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.field.addEventListener("paste", (event) => this.#take(event, event.clipboardData), { signal });
    form.addEventListener("dragover", (event) => this.#over(event, true), { signal });
    form.addEventListener("dragleave", (event) => this.#over(event, false), { signal });
    form.addEventListener("drop", (event) => this.#drop(event), { signal });
    form.addEventListener("change", (event) => this.#pick(event), { signal });
    document.addEventListener("htmx:after:swap", (event) => this.#undone(/** @type {CustomEvent} */ (event)), { signal });
    addEventListener("pagehide", () => void this.draft?.flush(), { signal });
  }

  disconnectedCallback() {
    this.#end.abort();
    clearTimeout(this.#quiet);
    void this.draft?.flush();
  }

  get form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("form"));
  }

  get field() {
    return /** @type {HTMLTextAreaElement} */ (this.querySelector("textarea[name=body]"));
  }

  get mode() {
    const chosen = /** @type {HTMLInputElement | null} */ (this.querySelector("input[name=mode]:checked"));
    return chosen?.value ?? "reply";
  }

  #versions() {
    return { reply: Number(this.dataset.version), note: Number(this.dataset.noteVersion) };
  }

  get #seenField() {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem("seen_seq"));
  }

  get #thread() {
    const thread = document.getElementById(this.dataset.thread ?? "");
    return thread instanceof Thread ? thread : null;
  }

  /** The other mode's draft comes hidden with the page; text that never reached the server is on the device. */
  #restore() {
    const hidden = /** @type {HTMLTextAreaElement | null} */ (this.querySelector("textarea[data-draft]"));
    if (hidden) this.#texts[hidden.dataset.draft ?? ""] = hidden.value;
    for (const mode of ["reply", "note"]) {
      const unsaved = this.draft?.unsaved(mode);
      if (unsaved && mode === this.#mode) this.field.value = unsaved;
      else if (unsaved) this.#texts[mode] = unsaved;
    }
  }

  /** @param {Event} event */
  #choose(event) {
    if (!(event.target instanceof HTMLInputElement) || event.target.name !== "mode") return;
    const mode = event.target.value;
    if (mode !== this.#mode) {
      void this.draft?.flush();
      this.#texts[this.#mode] = this.field.value;
      this.field.value = this.#texts[mode] ?? "";
      this.#mode = mode;
      this.field.placeholder = (mode === "note" ? this.field.dataset.placeholderNote : this.field.dataset.placeholderReply) ?? "";
    }
    // Arrow keys walk the modes and stay there; a press or a shortcut wants to write.
    if (!this.#walking) this.field.focus();
    this.#walking = false;
  }

  #typed() {
    this.#keep();
    const now = Date.now();
    clearTimeout(this.#quiet);
    this.#quiet = window.setTimeout(() => this.#tellWriting(false), WRITING_ENDS);
    if (now - this.#said > WRITING_AGAIN) this.#tellWriting(true);
  }

  /** @param {boolean} writing */
  #tellWriting(writing) {
    this.#said = writing ? Date.now() : 0;
    clearTimeout(writing ? 0 : this.#quiet);
    document.dispatchEvent(new CustomEvent("tiski:writing", { detail: writing }));
  }

  #keep() {
    this.#tellSaved("");
    this.draft?.keep(this.#mode, this.field.value, this.uploads?.ids ?? [], (url, body) => ask(url, { method: "POST", body, keepalive: true }));
  }

  /** @param {"server" | "device" | ""} where */
  #tellSaved(where) {
    const place = /** @type {HTMLElement} */ (this.querySelector(".composer-saved"));
    place.textContent = (where === "server" ? place.dataset.saved : where === "device" ? place.dataset.unsaved : "") ?? "";
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.isComposing || event.shiftKey || event.altKey) return;
    const wanted = event.ctrlKey || event.metaKey || (this.dataset.enter === "send" && !coarse.matches);
    if (!wanted) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (this.uploads?.isBusy || (!text && !this.uploads?.ids.length)) return this.field.focus();
    const data = new FormData(this.form, event.submitter ?? undefined);
    data.delete("uploads");
    data.set("client_id", newId());
    this.#seen(String(this.#thread?.shown ?? 0));
    data.set("seen_seq", this.#seenField.value);
    const entry = this.#place(data, "sending");
    this.#empty();
    void this.#send(data, entry);
  }

  /** The bubble in the same frame as the press. @param {FormData} data @param {"sending" | "failed"} state */
  #place(data, state) {
    const mode = String(data.get("mode"));
    const templates = /** @type {HTMLTemplateElement[]} */ ([...this.querySelectorAll("template[data-mode]")]);
    const fitting = templates.filter((template) => template.dataset.mode === (mode === "note" ? "note" : "message"));
    const template = fitting.find((each) => each.dataset.state === state) ?? fitting[0];
    const entry = /** @type {HTMLElement} */ (template?.content.firstElementChild?.cloneNode(true));
    entry.id = `${mode === "note" ? "note" : "message"}-${data.get("client_id")}`;
    entry.dataset.at = String(Date.now());
    const text = entry.querySelector("[data-slot=text]");
    if (text) text.textContent = String(data.get("body"));
    const author = entry.querySelector("[data-slot=author]");
    if (author) author.textContent = this.dataset.author ?? "";
    const time = entry.querySelector("time");
    if (time) clock(time, this.dataset.timezone);
    entry.querySelector("[data-retry]")?.addEventListener("click", () => void this.#send(data, this.#place(data, "sending")));
    this.#thread?.add([entry], true);
    return entry;
  }

  #empty() {
    this.#problem(document.createDocumentFragment());
    this.field.value = "";
    this.uploads?.clear();
    this.#tellSaved("");
    this.#tellWriting(false);
    this.field.focus();
  }

  /** @param {FormData} data @param {HTMLElement} entry */
  async #send(data, entry) {
    const mode = String(data.get("mode"));
    document.dispatchEvent(new CustomEvent("tiski:acted", { detail: this.id.replace("composer-", "") }));
    const url = this.form.action;
    const answer = (await this.draft?.send(mode, () => ask(url, { method: "POST", body: data }))) ?? null;
    const said = fragment(answer ? await answer.text().catch(() => "") : "");
    if (answer?.ok) {
      this.#thread?.add(said.querySelectorAll("li[id]"), true);
    } else if (answer && answer.status < 500 && answer.status !== 429) {
      entry.remove();
      this.#giveBack(mode, String(data.get("body")));
      this.#problem(said);
      if (answer.status === 409) void this.#thread?.refresh();
    } else {
      this.draft?.hold(mode, String(data.get("body")));
      const reason = this.#place(data, "failed").querySelector("[data-slot=reason]");
      const why = said.querySelector(".toast-text")?.textContent;
      if (reason && why) reason.textContent = why;
    }
  }

  /** An answer that was taken back is here again to be changed, with its files. @param {CustomEvent} event */
  #undone({ detail: { ctx } }) {
    if (!ctx?.sourceElement.matches("[data-undo]") || ctx.response.status >= 400) return;
    this.draft?.adopt("reply", ctx.response.raw);
    const text = ctx.sourceElement.closest(".entry")?.querySelector("[data-slot=text]");
    this.#giveBack("reply", text?.innerText ?? "");
    if (this.#mode === "reply") this.field.focus();
  }

  /** A refused text returns to its field; what was written there meanwhile is kept behind it. @param {string} mode @param {string} text */
  #giveBack(mode, text) {
    const since = mode === this.#mode ? this.field.value : (this.#texts[mode] ?? "");
    const whole = since ? `${text}\n${since}` : text;
    if (mode === this.#mode) this.field.value = whole;
    else this.#texts[mode] = whole;
    if (mode === this.#mode) this.#keep();
  }

  /** Why it was not sent, or what was said meanwhile; other refusals are notices. @param {DocumentFragment} said */
  #problem(said) {
    const place = /** @type {HTMLElement} */ (this.querySelector(".composer-problem"));
    document.getElementById("toasts")?.append(...said.querySelectorAll(".toast"));
    place.replaceChildren(...said.children);
    const seen = /** @type {HTMLElement | null} */ (place.querySelector("[data-seen]"));
    this.#seen(seen?.dataset.seen);
  }

  /** What a reply has seen: the last message of the thread, or what a collision has just shown. @param {string | undefined} seq */
  #seen(seq) {
    if (seq && Number(seq) > Number(this.#seenField.value)) this.#seenField.value = seq;
  }

  /** @param {Event} event @param {DataTransfer | null} carried */
  #take(event, carried) {
    if (!carried?.files.length) return;
    event.preventDefault();
    this.uploads?.take(carried.files);
  }

  /** @param {DragEvent} event @param {boolean} over */
  #over(event, over) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.form.toggleAttribute("data-over", over);
  }

  /** @param {DragEvent} event */
  #drop(event) {
    this.form.removeAttribute("data-over");
    this.#take(event, event.dataTransfer);
  }

  /** @param {Event} event */
  #pick(event) {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || input.type !== "file" || !input.files) return;
    this.uploads?.take(input.files);
    input.value = "";
  }
}

/** A UUID also where `randomUUID` is missing: on a plain http address that is not this very machine. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** @param {HTMLTimeElement} time @param {string | undefined} timeZone the reader's, as on the server */
function clock(time, timeZone) {
  const now = new Date();
  const lang = document.documentElement.lang;
  time.dateTime = now.toISOString();
  time.title = new Intl.DateTimeFormat(lang, { dateStyle: "short", timeStyle: "short", timeZone }).format(now);
  time.textContent = new Intl.DateTimeFormat(lang, { timeStyle: "short", timeZone }).format(now);
}

customElements.define("tiski-composer", Composer);
