/**
 * What the shop's page shows before anybody chats: the host, the launcher with its face and number, and the empty
 * frame of the panel, which is there the moment the launcher is pressed, whatever the network does.
 *
 *     <tiski-chat>#shadow-root
 *       <section class="panel" hidden></section> <button class="launcher">…</button> <div role="status"></div>
 */

/** @typedef {import("./types.js").Config} Config */
/** @typedef {ReturnType<typeof drawLauncher>} Launcher */

const SVG = "http://www.w3.org/2000/svg";
const BUBBLE = "M12 4c5 0 9 3.3 9 7.5S17 19 12 19c-1 0-2-.1-2.9-.4L4.5 20.5l1-3.6C4 15.5 3 13.6 3 11.5 3 7.3 7 4 12 4z";
const CHEVRON = "M5.5 9l6.5 6.5L18.5 9";
const STYLE = `
:host{all:initial!important;position:fixed!important;z-index:2147483000!important;inset-block-end:var(--y)!important;inset-inline:auto var(--x)!important;
display:block!important;font-family:system-ui,sans-serif!important;--surface:#fdfcfa;--raised:#fff}
:host([data-side=start]){inset-inline:var(--x) auto!important}
:host([data-scheme=dark]){--surface:#121b1b;--raised:#1d2828}
:host([hidden]),[hidden]{display:none!important}
*{box-sizing:border-box}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.launcher{all:unset;position:relative;display:grid;place-items:center;box-sizing:border-box;width:60px;height:60px;border:1px solid transparent;border-radius:50%;
background:var(--brand);color:var(--on);cursor:pointer;box-shadow:0 1px 3px rgb(6 20 19/.16),0 8px 24px rgb(6 20 19/.2)}
.launcher:hover{filter:brightness(1.1)}
.launcher:focus-visible{outline:3px solid #1c70a0;outline-offset:3px;box-shadow:0 0 0 3px #fff}
svg{width:28px;fill:none;stroke:currentColor;stroke-width:1.9;stroke-linecap:round;stroke-linejoin:round}
img{width:54px;height:54px;border-radius:50%;object-fit:cover}
.launcher img+svg{position:absolute;inset:auto -3px -3px auto;width:24px;padding:4px;border-radius:50%;background:var(--brand);box-shadow:0 0 0 2px #fff}
.badge{position:absolute;inset-block-start:-4px;inset-inline-end:-4px;min-width:22px;border:2px solid #fff;border-radius:99px;background:#b4232a;color:#fff;
font:600 12px/18px system-ui,sans-serif;text-align:center}
.panel{position:absolute;inset-block-end:76px;inset-inline:auto 0;display:flex;flex-direction:column;width:392px;max-width:calc(100vw - 2*var(--x));height:min(660px,100dvh - 100px - var(--y));overflow:hidden;
outline:1px solid transparent;border-radius:18px;background:var(--surface);box-shadow:0 0 0 1px rgb(6 20 19/.08),0 24px 64px rgb(6 20 19/.22)}
:host([data-side=start]) .panel{inset-inline:0 auto}
.head{flex:none;min-height:72px;background:linear-gradient(160deg,var(--brand),var(--deep));color:var(--on)}
@media (max-width:480px),(max-height:440px) and (max-width:900px){.panel.panel{position:fixed;inset:0;width:100%;max-width:none;height:100dvh;border-radius:0}.panel:not([hidden])+.launcher{visibility:hidden}}
@media (min-width:481px) and (prefers-reduced-motion:no-preference){.panel{animation:rise .2s}@keyframes rise{from{opacity:0;transform:translateY(12px)}}}
@media print{:host{display:none!important}}`;

/** Not on the page yet. @param {Config} config @param {DOMStringMap} options the script's `data-` attributes @param {string} base */
export function drawLauncher(config, options, base) {
  const host = document.createElement("tiski-chat");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  const frame = element("section", { class: "panel", hidden: "", "aria-label": config.shop.name });
  const button = element("button", { class: "launcher", type: "button", "aria-haspopup": "dialog" });
  const badge = element("span", { class: "badge", "aria-hidden": "true" });
  const status = element("div", { class: "hidden", role: "status" });
  const person = config.people[0];
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  frame.append(element("div", { class: "head" }));
  root.append(frame, button, status);
  paint(host, config, options);
  for (const kind of ["keydown", "keyup", "keypress", "input", "paste"]) host.addEventListener(kind, (event) => event.stopPropagation());

  /** Name, picture and number of the launcher. @param {boolean} open @param {number} unread @param {boolean} hidden */
  function label(open, unread, hidden) {
    const names = /** @type {string[]} */ (config.texts.launcher);
    const words = String(open ? config.texts.close : names[Math.min(unread, 2)]);
    button.replaceChildren(picture(open ? CHEVRON : BUBBLE), badge);
    if (!open && person && person.photo) {
      button.prepend(element("img", { src: new URL(person.photo, base).href, alt: "", width: "54", height: "54", decoding: "async" }));
    }
    badge.hidden = open || !unread;
    badge.textContent = unread > 9 ? "9+" : String(unread);
    button.hidden = hidden;
    button.setAttribute("aria-expanded", String(open));
    button.setAttribute("aria-label", words.replace("%(count)s", String(unread)));
  }

  return { config, host, root, frame, button, status, label };
}

/** Colours, side, direction and scheme, as the shop has set them and the page has them. @param {HTMLElement} host @param {Config} config @param {DOMStringMap} options */
function paint(host, config, options) {
  const offset = (options.offset || "").split(",");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = (/** @type {string} */ name, /** @type {string} */ value) => host.style.setProperty(`--${name}`, value);
  const scheme = () => {
    const page = getComputedStyle(document.documentElement).colorScheme;
    const follows = /dark/.test(page) && (dark.matches || !/light/.test(page));
    const isDark = config.theme === "dark" || (config.theme === "auto" && follows);
    host.dataset.scheme = isDark ? "dark" : "light";
    set("text", isDark ? config.colour.text_dark : config.colour.text);
  };
  host.lang = config.lang;
  host.dir = getComputedStyle(document.body).direction;
  host.dataset.side = options.position || config.position;
  if ("full" in options) host.dataset.full = "";
  for (const name of /** @type {const} */ (["brand", "on", "deep"])) set(name, config.colour[name]);
  set("x", `${Number(offset[0]) || 20}px`);
  set("y", `${Number(offset[1]) || 20}px`);
  dark.addEventListener("change", scheme);
  scheme();
}

/** @param {string} tag @param {Record<string, string>} traits @returns {HTMLElement} */
function element(tag, traits, space = "http://www.w3.org/1999/xhtml") {
  const node = /** @type {HTMLElement} */ (document.createElementNS(space, tag));
  Object.keys(traits).forEach((name) => node.setAttribute(name, traits[name]));
  return node;
}

/** @param {string} shape */
function picture(shape) {
  const svg = element("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, SVG);
  svg.append(element("path", { d: shape }, SVG));
  return svg;
}
