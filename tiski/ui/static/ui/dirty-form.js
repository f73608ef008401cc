/**
 * Shows the bar of unsaved changes while a form differs from what was loaded, and asks before the page is left.
 *
 *     <tiski-dirty-form><form>… <div class="save-bar" hidden>…<button type="reset">…</button></div></form></tiski-dirty-form>
 */

class DirtyForm extends HTMLElement {
  #end = new AbortController();
  #leaving = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    this.addEventListener("input", () => this.#compare(), { signal });
    this.addEventListener("change", () => this.#compare(), { signal });
    this.addEventListener("reset", () => setTimeout(() => this.#compare()), { signal });
    this.addEventListener("submit", () => this.#mark(false), { signal });
    this.#compare();
  }

  disconnectedCallback() {
    this.#end.abort();
    removeEventListener("beforeunload", this.#leaving);
  }

  #compare() {
    const form = this.querySelector("form");
    this.#mark([...(form?.elements ?? [])].some(differs));
  }

  /** @param {boolean} dirty */
  #mark(dirty) {
    for (const bar of this.querySelectorAll(".save-bar")) /** @type {HTMLElement} */ (bar).hidden = !dirty;
    // A listener costs the back/forward cache, so it stands only while there is something to lose.
    if (dirty) addEventListener("beforeunload", this.#leaving);
    else removeEventListener("beforeunload", this.#leaving);
  }
}

/** @param {Element} field */
function differs(field) {
  if (field instanceof HTMLInputElement) {
    if (field.type === "hidden") return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.type === "file" ? Boolean(field.files?.length) : field.value !== field.defaultValue;
  }
  if (field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
  if (!(field instanceof HTMLSelectElement)) return false;
  const named = [...field.options].some((option) => option.defaultSelected);
  return [...field.options].some((option, index) => option.selected !== (named ? option.defaultSelected : index === 0));
}

customElements.define("tiski-dirty-form", DirtyForm);
