/**
 * Files chosen for the next message: each goes up at once and shows its picture, its progress and a way to cancel.
 *
 *     <ul class="tray"><li class="tray__item">…<progress>…<button aria-label="Remove cup.jpg">…</li></ul>
 */

import { h, icon } from "./dom.js";

/** @typedef {import("./types.js").FileRef} FileRef */
/** @typedef {import("./types.js").Frame} Frame */
/**
 * @typedef {{file: File, node: HTMLElement, sent: FileRef | null, failed: boolean, abort: () => void}} Item
 */

/**
 * @param {object} tray
 * @param {import("./words.js").Words} tray.words
 * @param {import("./types.js").Limits} tray.limits
 * @param {Upload} tray.upload
 * @param {(text: string) => void} tray.complain an error in words
 * @param {() => void} tray.onchange
 */
export function openTray({ words, limits, upload, complain, onchange }) {
  const { t, size } = words;
  const node = h("ul", { class: "tray", hidden: true });
  /** @type {Item[]} */
  let items = [];

  /** @param {File} file */
  function refusal(file) {
    if (items.length >= limits.files) return t("file_many", { count: limits.files });
    if (file.size > limits.file_bytes) return t("file_big", { name: file.name, limit: size(limits.file_bytes) });
    if (!allowed(file, limits.types)) return t("file_type", { name: file.name });
    return file.size ? "" : t("file_empty", { name: file.name });
  }

  /** @param {Item} item */
  function remove(item) {
    item.abort();
    item.node.remove();
    items = items.filter((other) => other !== item);
    node.hidden = !items.length;
    onchange();
  }

  /** @param {File} file */
  function take(file) {
    const bar = /** @type {HTMLProgressElement} */ (h("progress", { max: 1, value: 0, "aria-label": t("uploading", { name: file.name }) }));
    const name = h("span", { class: "tray__name" }, file.name);
    const bin = h("button", { type: "button", class: "tray__remove", "aria-label": t("remove", { name: file.name }), onclick: () => remove(item) }, icon("close"));
    /** @type {Item} */
    const item = { file, node: h("li", { class: "tray__item" }, thumbnail(file), name, bar, bin), sent: null, failed: false, abort: () => {} };
    items.push(item);
    node.append(item.node);
    node.hidden = false;
    const job = upload(file, (share) => (bar.value = share));
    item.abort = job.abort;
    job.done.then((answer) => {
      if (!items.includes(item)) return;
      bar.hidden = true;
      if (answer && answer.id) item.sent = { id: answer.id, name: file.name, size: file.size, type: answer.type || file.type, local: file };
      else fail(item, (answer && answer.text) || t("file_failed", { name: file.name }));
      onchange();
    });
  }

  /** @param {Item} item @param {string} reason */
  function fail(item, reason) {
    item.failed = true;
    item.node.classList.add("tray__item--failed");
    complain(reason);
  }

  return {
    node,

    /** @param {Iterable<File>} files */
    add(files) {
      for (const file of files) {
        const reason = refusal(file);
        if (reason) complain(reason);
        else take(file);
      }
      onchange();
    },

    empty: () => items.length === 0,
    busy: () => items.some((item) => !item.sent && !item.failed),
    failed: () => items.find((item) => item.failed),

    /** The files that are up, leaving the tray empty. @returns {FileRef[]} */
    take() {
      const sent = items.flatMap((item) => item.sent || []);
      items = [];
      node.replaceChildren();
      node.hidden = true;
      return sent;
    },
  };
}

/** @param {File} file */
function thumbnail(file) {
  if (!/^image\/(png|jpeg|webp|gif)$/.test(file.type)) return icon("file");
  const address = URL.createObjectURL(file);
  return h("img", { src: address, alt: "", width: 40, height: 40, onload: () => URL.revokeObjectURL(address) });
}

/** @param {File} file @param {string[]} types as `accept` has them: `image/png`, `image/*`, `.pdf`; none allows all */
function allowed(file, types) {
  const name = file.name.toLowerCase();
  return !types.length || types.some((type) => {
    if (type.startsWith(".")) return name.endsWith(type);
    return type.endsWith("/*") ? file.type.startsWith(type.slice(0, -1)) : file.type === type;
  });
}

/** @typedef {ReturnType<typeof uploadTo>} Upload */

/**
 * Uploads one file at a time to `<api>files/`. `XMLHttpRequest`, because `fetch` tells no progress.
 * @param {string} api @param {() => string} token
 */
export function uploadTo(api, token) {
  /** @param {File} file @param {(share: number) => void} onprogress */
  return (file, onprogress) => {
    const request = new XMLHttpRequest();
    /** @type {Promise<Frame | null>} */
    const done = new Promise((resolve) => {
      request.onload = () => resolve(request.response);
      request.onerror = request.ontimeout = () => resolve(null);
    });
    request.upload.onprogress = (event) => event.lengthComputable && onprogress(event.loaded / event.total);
    request.open("POST", new URL("files/", api).href);
    request.responseType = "json";
    request.timeout = 120_000;
    request.setRequestHeader("Authorization", `Bearer ${token()}`);
    const form = new FormData();
    form.append("file", file, file.name);
    request.send(form);
    return { done, abort: () => request.abort() };
  };
}
