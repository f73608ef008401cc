/**
 * Where the visitor writes. The draft is kept as it is typed; Enter sends, on touch keyboards it breaks the line.
 *
 *     <form class="composer"><ul class="tray"></ul><p role="alert"></p>
 *       <div class="box"><button class="tool">📎</button><textarea></textarea><button class="send"></button></div></form>
 */

import { h, icon } from "./dom.js";
import { openTray } from "./files.js";

const DRAFT_AFTER = 300;

/** @typedef {ReturnType<typeof openComposer>} Composer */

/**
 * @param {object} composer
 * @param {import("./words.js").Words} composer.words
 * @param {import("./types.js").Limits} composer.limits
 * @param {import("./files.js").Upload} composer.upload
 * @param {{get: () => string, set: (text: string) => void}} composer.draft
 * @param {(body: string, files: import("./types.js").FileRef[]) => void} composer.onsend
 * @param {() => void} composer.ontyped
 */
export function openComposer({ words, limits, upload, draft, onsend, ontyped }) {
  const { t } = words;
  const touch = matchMedia("(pointer: coarse)");
  const notice = h("p", { class: "notice", role: "alert" });
  const tray = openTray({ words, limits, upload, complain, onchange: refresh });
  const field = /** @type {HTMLTextAreaElement} */ (h("textarea", {
    id: "message", rows: 1, placeholder: t("placeholder"), dir: "auto", autocomplete: "off", "aria-describedby": "notice",
    enterkeyhint: touch.matches ? "enter" : "send", oninput: typed, onkeydown: pressed, onpaste: pasted,
  }));
  const picker = /** @type {HTMLInputElement} */ (h("input", {
    type: "file", multiple: true, hidden: true, accept: limits.types.join(","), tabindex: -1, "aria-hidden": "true", onchange: picked,
  }));
  const send = /** @type {HTMLButtonElement} */ (h("button", { class: "send", type: "submit", "aria-label": t("send"), onmousedown: stay }, icon("send")));
  const clip = h("button", { class: "tool", type: "button", "aria-label": t("attach"), onclick: () => picker.click() }, icon("clip"));
  const box = h("div", { class: "box" }, clip, h("label", { class: "hidden", for: "message" }, t("your_message")), field, picker, send);
  const node = /** @type {HTMLFormElement} */ (h("form", { class: "composer", onsubmit: submit, novalidate: true }, tray.node, notice, box));
  let draftTimer = 0;
  let sendWhenUp = false;

  notice.id = "notice";
  field.value = draft.get();
  refresh();

  function typed() {
    clearTimeout(draftTimer);
    draftTimer = window.setTimeout(() => draft.set(field.value), DRAFT_AFTER);
    if (field.value.trim()) ontyped();
    grow();
    refresh();
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229 || touch.matches) return;
    submit(event);
  }

  /** @param {ClipboardEvent} event */
  function pasted(event) {
    const files = event.clipboardData ? event.clipboardData.files : null;
    if (!files || !files.length) return;
    event.preventDefault();
    tray.add(files);
  }

  function picked() {
    tray.add(picker.files || []);
    picker.value = "";
    field.focus();
  }

  /** The touch keyboard stays up while sending. @param {Event} event */
  function stay(event) {
    event.preventDefault();
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    complain("");
    const body = field.value.trim();
    const bad = tray.failed();
    if (!body && tray.empty()) return;
    if (body.length > limits.text) return complain(t("too_long", { count: body.length - limits.text }));
    if (bad) return complain(t("file_failed", { name: bad.file.name }));
    sendWhenUp = tray.busy();
    if (sendWhenUp) return complain(t("file_wait"));
    field.value = "";
    clearTimeout(draftTimer);
    draft.set("");
    onsend(body, tray.take());
    grow();
    refresh();
  }

  /** @param {string} text */
  function complain(text) {
    notice.textContent = text;
  }

  function refresh() {
    send.classList.toggle("send--ready", Boolean(field.value.trim()) || !tray.empty());
    if (!sendWhenUp || tray.busy()) return;
    sendWhenUp = false;
    node.requestSubmit();
  }

  /** As tall as its text; browsers that know `field-sizing` do it themselves. */
  function grow() {
    if (CSS.supports("field-sizing", "content") || !field.offsetParent) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }

  return {
    node,
    complain,
    grow,
    focus: () => field.focus({ preventScroll: true }),
    add: tray.add,

    /** Put words into an empty field; the visitor's own are never replaced. @param {string} text */
    suggest(text) {
      if (field.value.trim()) return;
      field.value = text;
      typed();
    },

    /** Keep what was typed in the last moments. */
    save: () => draft.set(field.value),

    clear() {
      field.value = "";
      typed();
    },
  };
}
