/**
 * The one script on a shop's page:
 *
 *     <script async src="https://desk.example.fi/w/loader.js" data-key="tea-shop" data-lang="fi"></script>
 *
 * It waits until the page is idle, asks for the config, draws the launcher, and loads the panel when the visitor
 * reaches for it. Before the visitor acts it opens no socket and stores nothing. Whatever goes wrong, the shop's page
 * sees silence. Syntax stays within ES2018, so that an old browser runs into the check below and not into an error.
 */
(() => {
  "use strict";

  const BOOT_WITHIN = 4000;
  const CONFIG_WITHIN = 10_000;
  const LOOK_EVERY = 2000;
  const SVG = "http://www.w3.org/2000/svg";
  const BUBBLE = "M12 4c5 0 9 3.3 9 7.5S17 19 12 19c-1 0-2-.1-2.9-.4L4.5 20.5l1-3.6C4 15.5 3 13.6 3 11.5 3 7.3 7 4 12 4z";
  const CHEVRON = "M5.5 9l6.5 6.5L18.5 9";

  /** The panel's frame is dressed here too, so that it shows the moment the launcher is pressed, whatever the network. */
  const CSS = `
:host{all:initial!important;position:fixed!important;z-index:2147483000!important;inset-block-end:var(--y)!important;inset-inline-end:var(--x)!important;
display:block!important;font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif!important;--surface:#fdfcfa;--raised:#fff}
:host([data-side=start]){inset-inline:var(--x) auto!important}
:host([data-scheme=dark]){--surface:#121b1b;--raised:#1d2828}
:host([hidden]),[hidden]{display:none!important}
*{box-sizing:border-box}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.launcher{all:unset;position:relative;display:grid;place-items:center;box-sizing:border-box;width:60px;height:60px;border:1px solid transparent;border-radius:50%;
background:var(--brand);color:var(--on);cursor:pointer;box-shadow:0 1px 3px rgb(6 20 19/.16),0 8px 24px rgb(6 20 19/.2);transition:transform .16s}
.launcher:hover{transform:scale(1.05)}
.launcher:focus-visible{outline:3px solid #1c70a0;outline-offset:3px;box-shadow:0 0 0 3px #fff}
svg{width:28px;fill:none;stroke:currentColor;stroke-width:1.9;stroke-linecap:round;stroke-linejoin:round}
img{width:54px;height:54px;border-radius:50%;object-fit:cover}
.launcher img+svg{position:absolute;inset:auto -3px -3px auto;width:24px;padding:4px;border-radius:50%;background:var(--brand);box-shadow:0 0 0 2px #fff}
.badge{position:absolute;inset-block-start:-4px;inset-inline-end:-4px;min-width:22px;border:2px solid #fff;border-radius:99px;background:#b4232a;color:#fff;
font:600 12px/18px system-ui,sans-serif;text-align:center}
.panel{position:absolute;inset-block-end:76px;inset-inline-end:0;display:flex;flex-direction:column;width:392px;max-width:calc(100vw - 2*var(--x));height:min(660px,100dvh - 100px - var(--y));overflow:hidden;
border:1px solid transparent;border-radius:18px;background:var(--surface);box-shadow:0 0 0 1px rgb(6 20 19/.08),0 24px 64px rgb(6 20 19/.22)}
:host([data-side=start]) .panel{inset-inline:0 auto}
.head{flex:none;min-height:72px;background:linear-gradient(160deg,var(--brand),var(--deep));color:var(--on)}
@media (max-width:480px),(max-height:440px) and (max-width:900px){.panel.panel{position:fixed;inset:0;width:100%;max-width:none;height:100dvh;border-radius:0}.panel:not([hidden])+.launcher{visibility:hidden}}
@media (prefers-reduced-motion){*{transition:none!important}}
@media print{:host{display:none!important}}`;

  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript) || ownTag();
  const known = /** @type {any} */ (window).tiski;
  if (!script || !script.src || (known && known.running) || !capable()) return;

  const address = new URL(script.src);
  const base = new URL("/w/", address);
  const data = script.dataset;
  const key = data.key || address.searchParams.get("key") || "";
  const full = "full" in data;
  let lang = data.lang || document.documentElement.lang || navigator.language || "";
  let hidden = "hide" in data;

  /** @type {import("./types.js").Config | null} */
  let config = null;
  /** @type {ReturnType<typeof draw> | null} */
  let drawn = null;
  /** @type {Promise<import("./types.js").Panel | null> | null} */
  let loading = null;
  let open = false;
  let unread = 0;
  /** @type {Element | null} */
  let opener = null;
  /** @type {IArguments[] | any[][]} */
  let waiting = (known && known.q) || [];

  /** @type {Record<string, (...values: any[]) => any>} */
  const verbs = {
    open: (how) => show(null, how),
    close: () => hide(),
    toggle: (how) => (open ? hide() : show(null, how)),
    hide: () => reveal(true),
    show: () => reveal(false),
    page: () => pageChanged(),
    reset: () => forget(),
    lang: (wanted) => speak(String(wanted)),
    on: (name, listener) => on(String(name), listener),
    user: () => {},
    consent: () => {},
  };

  tiski.running = true;
  /** @type {any} */ (window).tiski = tiski;
  whenIdle(() => boot().catch(() => {}));

  /** The widget's only global. @param {string} verb @param {...any} values */
  function tiski(verb, ...values) {
    if (!drawn && verb !== "on") {
      waiting.push([verb, ...values]);
      return undefined;
    }
    return perform(verb, values);
  }

  /** @param {string} verb @param {any[]} values */
  function perform(verb, values) {
    try {
      return Object.prototype.hasOwnProperty.call(verbs, verb) ? verbs[verb](...values) : undefined;
    } catch (_) {
      return undefined;
    }
  }

  async function boot() {
    config = given() || (await fetchConfig());
    drawn = draw(config);
    emit("ready", {});
    const queue = waiting;
    waiting = [];
    for (let place = 0; place < queue.length; place += 1) perform(queue[place][0], [].slice.call(queue[place], 1));
    watchPage();
    if (full) show(null, { focus: false });
    else resume();
  }

  /** A config written into the page, for the settings' preview. @returns {import("./types.js").Config | null} */
  function given() {
    const element = data.config ? document.getElementById(data.config) : null;
    return element ? JSON.parse(element.textContent || "") : null;
  }

  /** @returns {Promise<import("./types.js").Config>} */
  async function fetchConfig() {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), CONFIG_WITHIN);
    const url = new URL(`config/${encodeURIComponent(key)}.json`, base);
    if (lang) url.searchParams.set("lang", lang.slice(0, 2).toLowerCase());
    const answer = await fetch(url.href, /** @type {any} */ ({ credentials: "omit", priority: "low", signal: patience.signal }));
    clearTimeout(timer);
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    if (!found.panel || !found.texts) throw new Error("no config");
    return found;
  }

  /** A conversation under way goes on: count what is new, reopen what was open. */
  function resume() {
    if (!remembered("visitor")) return;
    if (document.visibilityState !== "visible") {
      once(document, "visibilitychange", resume);
      return;
    }
    const reopen = remembered("open") && !matchMedia("(max-width: 480px)").matches;
    load().then((panel) => {
      if (!panel || open) return;
      if (reopen) show(null, { focus: false });
      else panel.wake();
    });
  }

  /** @param {string} name */
  function remembered(name) {
    try {
      return Boolean(localStorage.getItem(`tiski.${key}.${name}`));
    } catch (_) {
      return false;
    }
  }

  /** Host, launcher and the empty frame of the panel. @param {import("./types.js").Config} found */
  function draw(found) {
    const host = document.createElement("tiski-chat");
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    const frame = element("section", { class: "panel", hidden: "", "aria-label": found.shop.name });
    const launcher = element("button", { class: "launcher", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false" });
    const badge = element("span", { class: "badge", "aria-hidden": "true", hidden: "" });
    const status = element("div", { class: "hidden", role: "status" });
    frame.append(element("div", { class: "head" }));
    root.append(frame, launcher, status);
    paint(host, found);
    launcher.addEventListener("click", () => (open ? hide() : show(launcher, {})));
    for (const reach of ["pointerenter", "focus", "touchstart"]) launcher.addEventListener(reach, () => load(), { passive: true });
    for (const kind of ["keydown", "keyup", "keypress", "input", "paste"]) host.addEventListener(kind, (event) => event.stopPropagation());
    (document.querySelector("[data-tiski-here]") || document.documentElement).append(host);
    const parts = { host, root, frame, launcher, badge, status };
    label(parts, found);
    return parts;
  }

  /** Colours, side, direction and scheme, as the shop has set them and the page has them. @param {HTMLElement} host @param {import("./types.js").Config} found */
  function paint(host, found) {
    const offset = String(data.offset || "").split(",");
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const set = (/** @type {string} */ name, /** @type {string} */ value) => host.style.setProperty(`--${name}`, value);
    const scheme = () => {
      const page = getComputedStyle(document.documentElement).colorScheme || "";
      const follows = page.indexOf("dark") >= 0 && (dark.matches || page.indexOf("light") < 0);
      host.dataset.scheme = found.theme === "dark" || (found.theme !== "light" && follows) ? "dark" : "light";
      set("text", host.dataset.scheme === "dark" ? found.colour.text_dark : found.colour.text);
    };
    host.lang = found.lang;
    host.dir = getComputedStyle(document.body).direction;
    host.dataset.side = data.position || found.position;
    if (full) host.dataset.full = "";
    set("brand", found.colour.brand);
    set("on", found.colour.on);
    set("deep", found.colour.deep);
    set("x", `${Number(offset[0]) || 20}px`);
    set("y", `${Number(offset[1]) || 20}px`);
    dark.addEventListener("change", scheme);
    scheme();
  }

  /** The launcher's face, name and number. @param {NonNullable<typeof drawn>} parts @param {import("./types.js").Config} found */
  function label({ launcher, badge }, found) {
    const name = /** @type {string[]} */ (found.texts.launcher);
    const person = found.people.length ? found.people[0] : null;
    launcher.replaceChildren();
    if (open) launcher.append(picture(CHEVRON));
    else {
      if (person && person.photo) launcher.append(element("img", { src: new URL(person.photo, base).href, alt: "", width: "54", height: "54", decoding: "async" }));
      launcher.append(picture(BUBBLE));
    }
    launcher.append(badge);
    badge.hidden = open || !unread;
    badge.textContent = unread > 9 ? "9+" : String(unread);
    launcher.hidden = hidden || full;
    launcher.setAttribute("aria-expanded", String(open));
    const words = open ? found.texts.close : name[unread ? (unread === 1 ? 1 : 2) : 0];
    launcher.setAttribute("aria-label", String(words).replace("%(count)s", String(unread)));
  }

  /** The panel, fetched once. @returns {Promise<import("./types.js").Panel | null>} */
  function load() {
    if (loading || !drawn || !config) return loading || Promise.resolve(null);
    const { host, root, frame, status } = drawn;
    const context = {
      key, origin: base.origin, config, host, root, frame, status, full, preview: "preview" in data, emit, closed,
      unread: (/** @type {number} */ count) => {
        unread = count;
        relabel();
      },
    };
    loading = import(new URL(config.panel, base).href).then((panel) => panel.mount(context)).catch(() => {
      loading = null;
      if (open) closed();
      return null;
    });
    return loading;
  }

  function relabel() {
    if (drawn && config) label(drawn, config);
  }

  /** @param {Element | null} from what was pressed @param {{text?: string, focus?: boolean}} [how] */
  function show(from, how) {
    if (!drawn) return;
    opener = from || opener;
    const before = open;
    open = true;
    drawn.frame.hidden = full;
    relabel();
    load().then((panel) => {
      if (!panel || !open) return;
      panel.open({ focus: !how || how.focus !== false, text: how && how.text });
      if (!before) emit("open", {});
    });
  }

  function hide() {
    if (loading) loading.then((panel) => panel && panel.close());
    else if (open) closed();
  }

  /** The panel has closed: focus goes back to where it came from. */
  function closed() {
    if (!drawn) return;
    const inside = drawn.root.activeElement;
    open = false;
    drawn.frame.hidden = true;
    relabel();
    const back = /** @type {HTMLElement | null} */ (opener && opener.isConnected ? opener : hidden ? null : drawn.launcher);
    if (back && inside && inside !== back) back.focus({ preventScroll: true });
    opener = null;
    emit("close", {});
  }

  /** @param {boolean} away */
  function reveal(away) {
    hidden = away;
    if (away) hide();
    relabel();
  }

  function forget() {
    if (loading || remembered("visitor")) load().then((panel) => panel && panel.reset());
  }

  /** @param {string} wanted */
  async function speak(wanted) {
    const again = open;
    lang = wanted;
    const found = await fetchConfig();
    const panel = loading && (await loading);
    if (panel) panel.leave();
    if (drawn) drawn.host.remove();
    open = false;
    loading = null;
    config = found;
    drawn = draw(found);
    if (again) show(null, { focus: false });
    else resume();
  }

  /** @param {string} name @param {(detail: object) => void} listener */
  function on(name, listener) {
    const heard = (/** @type {Event} */ event) => listener(/** @type {CustomEvent} */ (event).detail);
    document.addEventListener(`tiski:${name}`, heard);
    return () => document.removeEventListener(`tiski:${name}`, heard);
  }

  /** @param {string} name @param {object} detail only what the page may know */
  function emit(name, detail) {
    document.dispatchEvent(new CustomEvent(`tiski:${name}`, { detail }));
  }

  /** Own buttons, page changes without a load, and the shop's own modal dialogs. */
  function watchPage() {
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-tiski-open]") : null;
      if (button) show(button, {});
    });
    markButtons();
    new MutationObserver(makeWay).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["open"] });
    makeWay();
    const navigation = /** @type {any} */ (window).navigation;
    if (navigation) navigation.addEventListener("navigatesuccess", pageChanged);
    else watchAddress();
  }

  function markButtons() {
    document.querySelectorAll("[data-tiski-open]").forEach((button) => button.setAttribute("aria-haspopup", "dialog"));
  }

  /** A modal dialog of the shop is on top: stay out of its sight. */
  function makeWay() {
    if (!drawn) return;
    const modal = document.querySelector(":modal");
    drawn.host.hidden = Boolean(modal);
    if (modal) setTimeout(makeWay, 500);
  }

  /** Where the Navigation API is missing; `history` is never patched. */
  function watchAddress() {
    let seen = location.href;
    const look = () => {
      if (location.href === seen || document.visibilityState !== "visible") return;
      seen = location.href;
      pageChanged();
    };
    window.addEventListener("popstate", look);
    setInterval(look, LOOK_EVERY);
  }

  function pageChanged() {
    if (drawn && !drawn.host.isConnected) document.documentElement.append(drawn.host);
    markButtons();
    emit("page", { url: location.href });
  }

  /** After `load`, outside prerendering, when the page has nothing better to do. @param {() => void} task */
  function whenIdle(task) {
    if (/** @type {any} */ (document).prerendering) once(document, "prerenderingchange", () => whenIdle(task));
    else if (document.readyState !== "complete") once(window, "load", () => whenIdle(task));
    else if (full || !window.requestIdleCallback) setTimeout(task, full ? 0 : 200);
    else window.requestIdleCallback(task, { timeout: BOOT_WITHIN });
  }

  /** @param {EventTarget} target @param {string} kind @param {() => void} task */
  function once(target, kind, task) {
    target.addEventListener(kind, task, { once: true });
  }

  /** Optimisers and tag managers run scripts in ways that leave `currentScript` empty. */
  function ownTag() {
    const tags = document.querySelectorAll("script[src*='/w/'][src*='loader.js']");
    return /** @type {HTMLScriptElement | null} */ (tags[tags.length - 1] || null);
  }

  /** Old browsers get nothing rather than something broken. */
  function capable() {
    return "adoptedStyleSheets" in Document.prototype && "replaceChildren" in Element.prototype && "inert" in HTMLElement.prototype;
  }

  /** @param {string} tag @param {Record<string, string>} traits */
  function element(tag, traits) {
    const node = document.createElement(tag);
    Object.keys(traits).forEach((name) => node.setAttribute(name, traits[name]));
    return node;
  }

  /** @param {string} shape */
  function picture(shape) {
    const svg = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", shape);
    svg.append(path);
    return svg;
  }
})();
