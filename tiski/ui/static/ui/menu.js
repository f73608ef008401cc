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
    this.addEventListener("click", (event) => this.#choose(event), { signal });
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
  #choose(event) {
    const item = event.target instanceof Element ? event.target.closest(".menu-item") : null;
    if (!item) return;
    // Opened from inside the menu, another popover would be its child and close with it.
    const next = item instanceof HTMLButtonElement ? item.popoverTargetElement : null;
    if (next) event.preventDefault();
    // htmx sends the press first.
    setTimeout(() => {
      this.#popover()?.hidePopover();
      if (next instanceof HTMLElement) next.showPopover();
    });
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
