/** The top of a conversation: whose counter this is, who answers, and a welcome. */

import { face, h } from "./dom.js";

const FACES = 3;

/** @param {import("./types.js").Context} context @param {import("./words.js").Words} words */
export function drawIntro({ config, base }, { t }) {
  const { shop, people, welcome } = config;
  const mark = h("span", { class: "intro__logo" }, face({ name: shop.name, photo: shop.logo }, base, 72));
  const faces = people.length > 0 && h("span", { class: "faces intro__faces" }, ...people.slice(0, FACES).map((one) => face(one, base, 32)));
  const names = people.slice(0, FACES).map((one) => one.name);
  const listed = () => new Intl.ListFormat(config.lang, { type: "conjunction" }).format(names);
  return h(
    "div",
    { class: "intro" },
    mark,
    h("p", { class: "intro__hello" }, welcome || t("hello")),
    h("p", { class: "intro__about" }, t("about")),
    faces,
    names.length > 0 && h("p", { class: "intro__who" }, t("who", { names: listed(), count: names.length })),
  );
}

/**
 * Files can be dropped anywhere on the panel.
 *
 * @param {HTMLElement} frame @param {(files: FileList) => void} add @param {string} words
 */
export function dropZone(frame, add, words) {
  const zone = h("div", { class: "drop", hidden: true, "aria-hidden": "true" }, words);
  /** @param {DragEvent} event */
  const carriesFiles = (event) => Boolean(event.dataTransfer && [...event.dataTransfer.types].includes("Files"));
  frame.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    zone.hidden = false;
  });
  frame.addEventListener("dragleave", (event) => {
    if (!frame.contains(/** @type {Node | null} */ (event.relatedTarget))) zone.hidden = true;
  });
  frame.addEventListener("drop", (event) => {
    zone.hidden = true;
    if (!event.dataTransfer || !event.dataTransfer.files.length) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });
  return zone;
}
