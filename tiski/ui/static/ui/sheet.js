/**
 * A popover that is a column on wide screens: when the window grows it leaves the top layer and stands beside the rest.
 *
 *     <aside class="aside" popover><tiski-sheet>…</tiski-sheet></aside>
 */

const wide = matchMedia("(min-width: 1100.02px)");

class Sheet extends HTMLElement {
  #settle = () => {
    const popover = this.closest("[popover]");
    if (wide.matches && popover instanceof HTMLElement && popover.matches(":popover-open")) popover.hidePopover();
  };

  connectedCallback() {
    wide.addEventListener("change", this.#settle);
  }

  disconnectedCallback() {
    wide.removeEventListener("change", this.#settle);
  }
}

customElements.define("tiski-sheet", Sheet);
