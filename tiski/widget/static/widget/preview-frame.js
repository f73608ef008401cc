/**
 * The widget's preview beside its settings: drawn anew as the form changes, before anything is saved.
 *
 *     <form>…<select name="lang">…<input name="welcome_fi">…
 *       <tiski-widget-preview src="/chat/tea-shop/preview/"><iframe title="Preview"></iframe></tiski-widget-preview>
 *     </form>
 */

const AFTER = 300;
const NAMES = ["colour", "theme", "position", "lang", "shows_people"];

class WidgetPreview extends HTMLElement {
  #timer = 0;
  /** @type {HTMLFormElement | null} */
  #form = null;
  #later = () => {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#draw(), AFTER);
  };

  connectedCallback() {
    this.#form = this.closest("form");
    this.#form?.addEventListener("input", this.#later);
    this.#draw();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#form?.removeEventListener("input", this.#later);
  }

  #draw() {
    const frame = this.querySelector("iframe");
    const address = new URL(this.getAttribute("src") || "", location.href);
    const data = this.#form ? new FormData(this.#form) : new FormData();
    for (const name of NAMES) if (data.has(name)) address.searchParams.set(name, String(data.get(name)));
    const greeting = data.get(`welcome_${data.get("lang")}`);
    if (greeting !== null) address.searchParams.set("welcome", String(greeting));
    if (frame && frame.src !== address.href) frame.src = address.href;
  }
}

customElements.define("tiski-widget-preview", WidgetPreview);
