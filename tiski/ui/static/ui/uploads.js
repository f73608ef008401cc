/**
 * Files beside a text: picked, pasted or dropped, each uploaded at once with progress and a way to cancel.
 *
 *     const uploads = new Uploads({list, template, url, changed});  uploads.take(input.files);
 *
 * The answer of the server is the entry that replaces the progress, with the file's id in it or the reason why not.
 */

import { fragment, token } from "./requests.js";

export class Uploads {
  #list;
  #template;
  #url;
  #changed;
  /** @type {Map<Element, XMLHttpRequest>} */
  #running = new Map();

  /** @param {{list: HTMLElement, template: HTMLTemplateElement, url: string, changed: () => void}} owner */
  constructor({ list, template, url, changed }) {
    this.#list = list;
    this.#template = template;
    this.#url = url;
    this.#changed = changed;
    list.addEventListener("click", (event) => this.#press(event));
  }

  get isBusy() {
    return this.#running.size > 0;
  }

  /** Ids of what has arrived. */
  get ids() {
    const fields = /** @type {NodeListOf<HTMLInputElement>} */ (this.#list.querySelectorAll("input[name=files]"));
    return [...fields].map((field) => field.value);
  }

  /** @param {Iterable<File>} files */
  take(files) {
    for (const file of files) this.#send(file);
  }

  clear() {
    for (const request of this.#running.values()) request.abort();
    this.#running.clear();
    this.#list.replaceChildren();
  }

  /** @param {File} file */
  #send(file) {
    const entry = /** @type {HTMLElement} */ (this.#template.content.firstElementChild?.cloneNode(true));
    const name = entry.querySelector(".file-name");
    if (name) name.textContent = file.name;
    this.#list.append(entry);
    const body = new FormData();
    body.append("file", file, file.name);
    const request = new XMLHttpRequest();
    this.#running.set(entry, request);
    request.upload.onprogress = ({ loaded, total }) => {
      const progress = entry.querySelector("progress");
      if (progress) progress.value = total ? loaded / total : 0;
    };
    request.onload = () => this.#arrived(entry, request.responseText);
    request.onerror = () => this.#failed(entry, file);
    request.open("POST", this.#url);
    for (const [header, value] of [["HX-Request", "true"], ["HX-Request-Type", "partial"], ["X-CSRFToken", token()]]) {
      request.setRequestHeader(header, value);
    }
    request.send(body);
  }

  /** @param {HTMLElement} entry @param {string} html */
  #arrived(entry, html) {
    this.#running.delete(entry);
    const answer = fragment(html).querySelector(".file");
    if (answer) entry.replaceWith(answer);
    else entry.remove();
    this.#changed();
  }

  /** @param {HTMLElement} entry @param {File} file */
  #failed(entry, file) {
    this.#running.delete(entry);
    entry.remove();
    document.dispatchEvent(new CustomEvent("tiski:failed", { detail: { again: () => this.#send(file) } }));
  }

  /** @param {Event} event */
  #press(event) {
    const entry = /** @type {Element} */ (event.target).closest("[data-remove]")?.closest(".file");
    if (!entry) return;
    this.#running.get(entry)?.abort();
    this.#running.delete(entry);
    entry.remove();
    this.#changed();
  }
}
