/**
 * Notices at the bottom: at most three, six seconds each, held while hovered or focused; errors stay. F6 leads to them.
 *
 *     <tiski-toasts role="region" tabindex="-1"><template data-kind="failed"><div class="toast">…</div></template></tiski-toasts>
 *
 * The server adds one by swapping `_toast.html` into #toasts; an element asks for one with the event `tiski:failed`.
 */

const [MOST, TIME] = [3, 6000];

class Toasts extends HTMLElement {
  /** @type {Map<Element, number>} */
  #timers = new Map();
  #watcher = new MutationObserver((changes) => this.#arrived(changes));
  #end = new AbortController();

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    this.#watcher.observe(this, { childList: true });
    this.addEventListener("click", (event) => this.#press(event), { signal });
    for (const name of ["pointerenter", "focusin"]) this.addEventListener(name, () => this.#hold(), { signal });
    for (const name of ["pointerleave", "focusout"]) this.addEventListener(name, () => this.#release(), { signal });
    document.addEventListener("tiski:failed", (event) => this.#failed(/** @type {CustomEvent} */ (event)), { signal });
    for (const toast of this.#toasts()) this.#start(toast);
  }

  disconnectedCallback() {
    this.#end.abort();
    this.#watcher.disconnect();
    this.#hold();
  }

  #toasts() {
    return /** @type {HTMLElement[]} */ ([...this.querySelectorAll(":scope > .toast")]);
  }

  /** @param {CustomEvent<{again: () => void}>} event */
  #failed(event) {
    const template = /** @type {HTMLTemplateElement | null} */ (this.querySelector("template[data-kind=failed]"));
    const toast = template?.content.firstElementChild?.cloneNode(true);
    if (!(toast instanceof HTMLElement)) return;
    toast.querySelector("[data-again]")?.addEventListener("click", () => event.detail.again());
    this.append(toast);
  }

  /** @param {MutationRecord[]} changes */
  #arrived(changes) {
    for (const node of changes.flatMap((change) => [...change.addedNodes])) {
      if (node instanceof HTMLElement && node.matches(".toast")) this.#start(node);
    }
    for (const old of this.#toasts().slice(0, -MOST)) this.#dismiss(old);
  }

  /** @param {HTMLElement} toast */
  #start(toast) {
    if ("stays" in toast.dataset) return;
    this.#say(toast);
    this.#timers.set(toast, window.setTimeout(() => this.#dismiss(toast), TIME));
  }

  /** Into the region that was there before: what is added with its own role is not always read. @param {HTMLElement} toast */
  #say(toast) {
    const spoken = this.querySelector(".toasts-spoken");
    if (spoken) spoken.textContent = toast.querySelector(".toast-text")?.textContent ?? "";
  }

  #hold() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #release() {
    for (const toast of this.#timers.keys()) {
      this.#timers.set(toast, window.setTimeout(() => this.#dismiss(toast), TIME));
    }
  }

  /** @param {Event} event */
  #press(event) {
    const button = event.target instanceof Element ? event.target.closest("[data-dismiss]") : null;
    const toast = button?.closest(".toast");
    if (!toast) return;
    // An undo is sent by htmx first; the button must be in the page until then.
    setTimeout(() => this.#dismiss(toast));
  }

  /** @param {Element} toast */
  #dismiss(toast) {
    clearTimeout(this.#timers.get(toast));
    this.#timers.delete(toast);
    toast.remove();
  }
}

customElements.define("tiski-toasts", Toasts);
