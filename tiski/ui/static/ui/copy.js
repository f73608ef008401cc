/**
 * Copies the text of an element and says so for a moment. Without a clipboard the text is selected, ready for Ctrl+C.
 *
 *     <code id="tag">…</code>
 *     <tiski-copy data-from="tag" data-done="Copied"><button type="button">Copy <span role="status"></span></button></tiski-copy>
 */

const SHOWN = 3000;

class Copy extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.addEventListener("click", this.#press);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#press);
    clearTimeout(this.#timer);
  }

  #press = async () => {
    const source = document.getElementById(this.dataset.from ?? "");
    const done = await navigator.clipboard?.writeText(source?.textContent ?? "").then(
      () => true,
      () => false,
    );
    if (done) this.#say();
    else if (source) getSelection()?.selectAllChildren(source);
  };

  #say() {
    const status = this.querySelector("[role=status]");
    if (!status) return;
    status.textContent = this.dataset.done ?? "";
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => (status.textContent = ""), SHOWN);
  }
}

customElements.define("tiski-copy", Copy);
