/**
 * Says who else has the conversation open, and who is writing. The sentences come from the markup, `{names}` inside;
 * customers have no name here and get sentences of their own.
 */

/** @typedef {import("./frames.js").Presence} Person */

class Presence extends HTMLElement {
  #draw = (/** @type {Event} */ event) => {
    const { who } = /** @type {CustomEvent<import("./frames.js").Now>} */ (event).detail;
    const customers = who.filter((person) => !person.id.startsWith("agent-"));
    const agents = who.filter((person) => person.id.startsWith("agent-") && person.id !== `agent-${this.dataset.me}`);
    this.textContent = [this.#customer(customers), this.#colleagues(agents)].filter(Boolean).join(" · ");
  };

  /** @param {Person[]} customers */
  #customer(customers) {
    const sentence = customers.some((person) => person.writing) ? this.dataset.customerWriting : this.dataset.customerHere;
    return customers.length ? sentence : "";
  }

  /** @param {Person[]} agents */
  #colleagues(agents) {
    const writing = agents.filter((person) => person.writing);
    const sentence = writing.length ? this.dataset.writing : this.dataset.viewing;
    const names = (writing.length ? writing : agents).map((person) => person.name);
    const list = new Intl.ListFormat(document.documentElement.lang).format(names);
    return names.length ? (sentence ?? "").replace("{names}", list) : "";
  }

  connectedCallback() {
    document.body.addEventListener(`now:${this.dataset.topic}`, this.#draw);
  }

  disconnectedCallback() {
    document.body.removeEventListener(`now:${this.dataset.topic}`, this.#draw);
  }
}

customElements.define("tiski-presence", Presence);
