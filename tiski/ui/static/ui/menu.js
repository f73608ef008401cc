/**
 * Arrow keys and focus inside a menu that is a popover; it closes after a choice.
 *
 *     <div class="menu" popover><tiski-menu><button class="menu-item">…</button></tiski-menu></div>
 */

class Menu extends HTMLElement {
  #end = new AbortController();

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    const popover = this.#popover();
    popover?.addEventListener("toggle", (event) => event.newState === "open" && this.#items()[0]?.focus(), { signal });
    this.addEventListener("keydown", (event) => this.#walk(event), { signal });
    // htmx sends the press first.
    this.addEventListener("click", (event) => this.#chosen(event) && setTimeout(() => this.#popover()?.hidePopover()), { signal });
  }

  disconnectedCallback() {
    this.#end.abort();
  }

  #popover() {
    return /** @type {HTMLElement | null} */ (this.closest("[popover]"));
  }

  #items() {
    const items = /** @type {HTMLElement[]} */ ([...this.querySelectorAll(".menu-item:not(:disabled)")]);
    return items.filter((item) => item.checkVisibility());
  }

  /** @param {Event} event */
  #chosen(event) {
    return event.target instanceof Element && event.target.closest(".menu-item");
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const items = this.#items();
    const here = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items.at(next % items.length)?.focus();
  }
}

customElements.define("tiski-menu", Menu);
