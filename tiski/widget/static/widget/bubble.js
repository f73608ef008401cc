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
 * @property {string} base
 */

const PICTURES = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/** @param {Said} said @param {Scene} scene */
export function drawMessage(said, scene) {
  const bubble = h("div", { class: "bubble", dir: "auto" });
  for (const file of said.files) bubble.append(drawFile(file, scene));
  if (said.body) bubble.append(h("div", { class: "prose" }, ...prose(said.body)));
  const node = h("div", { id: `message-${said.key}` }, h("p", { class: "message__name" }), bubble, h("div", { class: "message__meta" }));
  if (!said.mine) node.prepend(face(said.author, scene.base, 28));
  updateMessage(node, said, scene);
  return node;
}

/** Bring name, time and state up to date; the bubble itself never changes. @param {HTMLElement} node @param {Said} said @param {Scene} scene */
export function updateMessage(node, said, scene) {
  const { t, time } = scene.words;
  const look = [said.mine ? "mine" : "theirs", said.state, said.first && "first", said.last && "last"];
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

/** @param {FileRef} file @param {Scene} scene */
function drawFile(file, { words: { t, size }, base }) {
  const href = file.local ? URL.createObjectURL(file.local) : file.url && new URL(file.url, base).href;
  const way = { href, target: "_blank", rel: "noopener noreferrer" };
  if (href && PICTURES.includes(file.type)) {
    const alt = t("picture", { name: file.name });
    return h("a", { class: "picture", ...way }, h("img", { src: href, alt, width: 224, height: 168, loading: "lazy", decoding: "async" }));
  }
  return h(
    "a",
    { class: "file", ...way, download: file.name, "aria-label": `${t("download", { name: file.name })}, ${size(file.size)}` },
    icon("file"),
    h("span", { class: "file__name" }, file.name),
    h("span", { class: "file__size" }, size(file.size)),
  );
}
