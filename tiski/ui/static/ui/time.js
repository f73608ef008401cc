/**
 * Keeps "6 min" true while the page stays open.
 *
 *     <tiski-time data-style="short"><time datetime="2026-11-22T12:05:00Z" title="22.11.2026 klo 14.05">6 min</time></tiski-time>
 *
 * The server writes the first text, and what is older than yesterday keeps it.
 */

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

class Time extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.#draw();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  #draw() {
    const time = this.querySelector("time");
    const age = Date.now() - Date.parse(time?.dateTime ?? "");
    if (!time || Number.isNaN(age) || age >= DAY) return;
    if (age >= MINUTE) time.textContent = age < HOUR ? this.#words("minute", age / MINUTE) : this.#words("hour", age / HOUR);
    this.#timer = window.setTimeout(() => this.#draw(), age < HOUR ? MINUTE - (age % MINUTE) : 5 * MINUTE);
  }

  /** @param {"minute" | "hour"} unit @param {number} exact */
  #words(unit, exact) {
    const language = document.documentElement.lang;
    const count = Math.floor(Math.max(1, exact));
    if (this.dataset.style === "long") {
      return new Intl.RelativeTimeFormat(language, { style: "short" }).format(-count, unit);
    }
    return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(count);
  }
}

/** Seconds until something can no longer be undone: `<button data-undo>… <tiski-countdown data-until="1795…">`. */
class Countdown extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    const left = Math.ceil((Number(this.dataset.until) - Date.now()) / 1000);
    const button = /** @type {HTMLElement | null} */ (this.closest("[data-undo]"));
    if (left <= 0 && button) button.hidden = true;
    this.textContent = `(${Math.max(0, left)})`;
    if (left > 0) this.#timer = window.setTimeout(() => this.connectedCallback(), 1000);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }
}

customElements.define("tiski-time", Time);
customElements.define("tiski-countdown", Countdown);
