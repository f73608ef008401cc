/**
 * Elements without HTML strings, so that pages with Trusted Types work and there is nothing to escape.
 *
 *     h("button", { class: "send", type: "submit", "aria-label": t("send") }, icon("send"))
 */

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} Drawn on a 24 × 24 grid with a 2 px stroke. */
const SHAPES = {
  clip: "M20 11.2l-8.2 8.2a5.2 5.2 0 0 1-7.4-7.4l8.4-8.4a3.5 3.5 0 0 1 5 5l-8.4 8.3a1.7 1.7 0 0 1-2.5-2.4l7.6-7.6",
  send: "M12 20V5M5.5 11.2L12 4.8l6.5 6.4",
  close: "M6 6l12 12M18 6L6 18",
  down: "M5.5 9l6.5 6.5L18.5 9",
  file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5",
  check: "M4.5 12.5l5 5 10-11",
  alert: "M12 7v6M12 16.7v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  again: "M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5",
};

/**
 * @param {string} tag
 * @param {Record<string, any>} [traits] attributes; a function is a listener ("onclick"); null and false are left out
 * @param {...(Node | string | null | false)} children
 * @returns {HTMLElement}
 */
export function h(tag, traits = {}, ...children) {
  const node = document.createElement(tag);
  for (const name of Object.keys(traits)) {
    const value = traits[name];
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) node.append(child);
  return node;
}

/** A decorative picture from SHAPES. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/**
 * A round face: the photograph, or the initials while there is none.
 *
 * @param {import("./types.js").Person} person
 * @param {string} base
 * @param {number} size in pixels, for the browser's layout
 */
export function face(person, base, size) {
  const initials = h("span", { class: "face", "aria-hidden": "true" }, initialsOf(person.name));
  if (!person.photo) return initials;
  const picture = h("img", {
    class: "face", src: new URL(person.photo, base).href, alt: "", width: size, height: size, decoding: "async",
    onerror: () => picture.replaceWith(initials),
  });
  return picture;
}

/** @param {string} name */
function initialsOf(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => (word.match(/^./u) || [""])[0]).join("").toUpperCase();
}
