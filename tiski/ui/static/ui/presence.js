/**
 * Says who else has the conversation open, and who is writing. The sentences come from the markup, `{names}` inside.
 *
 *     <tiski-presence data-topic="conversation-7" data-me="1" data-writing="{names} is writing…" data-viewing="…"></tiski-presence>
 */

class Presence extends HTMLElement {
  #draw = (/** @type {Event} */ event) => {
    const { who } = /** @type {CustomEvent<import("./frames.js").Now>} */ (event).detail;
    const others = who.filter((person) => person.id !== `agent-${this.dataset.me}`);
    const writing = others.filter((person) => person.writing);
    const sentence = writing.length ? this.dataset.writing : this.dataset.viewing;
    const names = (writing.length ? writing : others).map((person) => person.name);
    const list = new Intl.ListFormat(document.documentElement.lang).format(names);
    this.textContent = names.length ? (sentence ?? "").replace("{names}", list) : "";
  };

  connectedCallback() {
    document.body.addEventListener(`now:${this.dataset.topic}`, this.#draw);
  }

  disconnectedCallback() {
    document.body.removeEventListener(`now:${this.dataset.topic}`, this.#draw);
  }
}

customElements.define("tiski-presence", Presence);
