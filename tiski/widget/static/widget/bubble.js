/**
 * One message in the thread:
 *
 *     <div class="message message--theirs message--first message--last">
 *       <p class="message__name">Mia</p>
 *       <div class="bubble" dir="auto">…text, pictures, files…</div>
 *       <p class="message__meta"><time>14.05</time> · Read</p>
 *     </div>
 */

import { face, h, icon } from "./dom.js";
import { prose } from "./prose.js";

/** @typedef {import("./types.js").FileRef} FileRef */
/**
 * A message as the thread shows it: `state` is "", "sending", "sent", "read" or "failed".
 * @typedef {{key: string, mine: boolean, author: import("./types.js").Author, at: Date, body: string, files: FileRef[],
 *            state: string, reason: string, first: boolean, last: boolean, latest: boolean, retry: () => void,
 *            drop: () => void}} Said
 */
/**
 * @typedef {object} Scene what every bubble needs
 * @property {import("./words.js").Words} words
 * @property {string} origin
 * @property {(file: FileRef) => Promise<Blob | null>} fetchFile
 */

const PICTURES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const PREVIEW_BYTES = 12 * 1024 * 1024;

/** @param {Said} said @param {Scene} scene */
export function drawMessage(said, scene) {
  const bubble = h("div", { class: "bubble", dir: "auto" });
  for (const file of said.files) bubble.append(drawFile(file, said, scene));
  if (said.body) bubble.append(h("div", { class: "prose" }, ...prose(said.body)));
  const node = h("div", { id: `message-${said.key}` }, h("p", { class: "message__name" }), bubble, h("div", { class: "message__meta" }));
  if (!said.mine) node.prepend(face(said.author, scene.origin, 28));
  updateMessage(node, said, scene);
  return node;
}

/** Bring name, time and state up to date; the bubble itself never changes. @param {HTMLElement} node @param {Said} said @param {Scene} scene */
export function updateMessage(node, said, scene) {
  const { t, time } = scene.words;
  const look = [said.mine ? "mine" : "theirs", said.state, said.first && "first", said.last && "last", !said.body && "bare"];
  const signature = [...look, said.reason, said.latest].join(" ");
  if (node.dataset.look === signature) return;
  node.dataset.look = signature;
  node.className = `message ${look.filter(Boolean).map((trait) => `message--${trait}`).join(" ")}`;
  const name = /** @type {HTMLElement} */ (node.querySelector(".message__name"));
  name.textContent = said.mine ? t("you") : said.author.name;
  name.classList.toggle("hidden", said.mine || !said.first);
  const meta = /** @type {HTMLElement} */ (node.querySelector(".message__meta"));
  meta.replaceChildren(...(said.state === "failed" ? failure(said, scene) : [h("time", { datetime: said.at.toISOString() }, time(said.at))]));
  if (said.latest && said.state !== "failed") meta.append(` · ${t(said.state)}`);
}

/** @param {Said} said @param {Scene} scene */
function failure(said, { words: { t } }) {
  return [
    h("span", { class: "message__alert", role: "alert" }, icon("alert"), `${t("failed")} ${said.reason}`),
    h("button", { type: "button", class: "plain", onclick: said.retry }, t("retry")),
    h("button", { type: "button", class: "plain", onclick: said.drop }, t("discard")),
  ];
}

/** @param {FileRef} file @param {Said} said @param {Scene} scene */
function drawFile(file, said, scene) {
  if (PICTURES.includes(file.type) && file.size <= PREVIEW_BYTES) return drawPicture(file, said, scene);
  const { t, size } = scene.words;
  const button = h(
    "button",
    { type: "button", class: "file", "aria-label": `${t("download", { name: file.name })}, ${size(file.size)}`, onclick: save },
    icon("file"),
    h("span", { class: "file__name" }, file.name),
    h("span", { class: "file__size" }, size(file.size)),
  );
  return button;

  async function save() {
    const blob = await scene.fetchFile(file);
    if (!blob) return;
    const address = URL.createObjectURL(blob);
    h("a", { href: address, download: file.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }
}

/** A thumbnail with room of its own, fetched when it comes into sight. @param {FileRef} file @param {Said} said @param {Scene} scene */
function drawPicture(file, said, scene) {
  const { t } = scene.words;
  const alt = file.name ? t("picture", { name: file.name }) : t("picture_by", { name: said.mine ? t("you") : said.author.name });
  const frame = h("a", { class: "picture", target: "_blank", rel: "noopener", role: "img", "aria-label": alt });
  const watch = new IntersectionObserver(async (sightings) => {
    if (!sightings.some((sighting) => sighting.isIntersecting)) return;
    watch.disconnect();
    const blob = await scene.fetchFile(file);
    if (!blob) return frame.append(icon("file"));
    const address = URL.createObjectURL(blob);
    frame.removeAttribute("role");
    frame.removeAttribute("aria-label");
    frame.setAttribute("href", address);
    frame.append(h("img", { src: address, alt, width: 224, height: 168, decoding: "async" }));
  });
  watch.observe(frame);
  return frame;
}
