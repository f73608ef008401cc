/**
 * The one script on a shop's page, joined with what it imports and served as `/w/loader.js`:
 *
 *     <script async src="https://desk.example.fi/w/loader.js" data-key="tea-shop" data-lang="fi"></script>
 *
 * It waits until the page is idle, asks for the config, draws the launcher, and loads the panel when the visitor
 * reaches for it. Before the visitor acts it opens no socket and stores nothing. Whatever goes wrong, the shop's page
 * sees silence. Syntax stays within ES2018, so that an old browser meets the check for it and not an error.
 */

import { drawLauncher } from "./launcher.js";
import { capable, idle, makeWay, markButtons, watchAddress, watchButtons } from "./page.js";

const CONFIG_WITHIN = 10_000;

/** @typedef {import("./types.js").Config} Config */
/** @typedef {import("./types.js").Panel} Panel */

const script = /** @type {HTMLScriptElement | null} */ (document.currentScript) || ownTag();
const known = /** @type {any} */ (window).tiski || {};
if (script && script.src && capable() && !known.running) start(script.src, script.dataset);

/** Optimisers and tag managers run scripts in ways that leave `currentScript` empty. */
function ownTag() {
  const tags = document.querySelectorAll("script[src*='/w/'][src*='loader.js']");
  return /** @type {HTMLScriptElement | undefined} */ (tags[tags.length - 1]);
}

/** @param {string} address the script's own @param {DOMStringMap} options its `data-` attributes */
function start(address, options) {
  const base = new URL("/w/", address).href;
  const key = options.key || new URL(address).searchParams.get("key") || "";
  const full = "full" in options;
  const preview = "preview" in options;
  let lang = options.lang || document.documentElement.lang || navigator.language || "";
  let hidden = "hide" in options;
  /** There before anything asks for it: calls wait in the queue until then. @type {import("./launcher.js").Launcher} */
  let drawn;
  let loading = /** @type {Promise<any> | null} */ (null);
  let panel = /** @type {Panel | null} */ (null);
  let opener = /** @type {Element | null} */ (null);
  let waiting = /** @type {Iterable<any>[]} */ (known.q || []);
  let open = false;
  let unread = 0;

  /** @type {Record<string, (...values: any[]) => any>} */
  const verbs = {
    __proto__: /** @type {any} */ (null),
    open: (how) => show(null, how),
    close: hide,
    toggle: (how) => (open ? hide() : show(null, how)),
    hide: () => reveal(true),
    show: () => reveal(false),
    page: pageChanged,
    reset,
    lang: (wanted) => void speak(String(wanted)).catch(() => {}),
    on,
  };

  tiski.running = true;
  /** @type {any} */ (window).tiski = tiski;
  boot().catch(() => {});

  /** The widget's only global. @param {string} verb @param {...any} values */
  function tiski(verb, ...values) {
    if (drawn || verb === "on") return perform(verb, values);
    waiting.push([verb, ...values]);
  }

  /** An unknown verb is an error like any other. @param {string} verb @param {any[]} values */
  function perform(verb, values) {
    try {
      return verbs[verb](...values);
    } catch (_) {}
  }

  /** In steps, each when the page is idle: its own work, its frames and its visitor's input come first. */
  async function boot() {
    await idle(full);
    const found = given() || (await fetchConfig());
    await idle(full);
    const launcher = drawLauncher(found, options, base);
    await idle(full);
    put(launcher);
    emit("ready", {});
    for (const [verb, ...values] of waiting) perform(verb, values);
    waiting = [];
    watchButtons(show);
    watchAddress(pageChanged);
    await idle(full);
    makeWay(() => drawn.host);
    markButtons();
    if (full || preview) show(null, { focus: false });
    else resume();
  }

  /** A config written into the page, for the settings' preview. @returns {Config | null} */
  function given() {
    const element = options.config ? document.getElementById(options.config) : null;
    return element ? JSON.parse(element.textContent || "") : null;
  }

  /** @returns {Promise<Config>} */
  async function fetchConfig() {
    const url = `${base}config/${key}.json?lang=${lang.slice(0, 2)}`;
    const signal = AbortSignal.timeout(CONFIG_WITHIN);
    const answer = await fetch(url, /** @type {any} */ ({ credentials: "omit", priority: "low", signal }));
    const found = await answer.json();
    if (!found.panel) throw new Error();
    return found;
  }

  /** @param {import("./launcher.js").Launcher} launcher */
  function put(launcher) {
    const { button } = launcher;
    drawn = launcher;
    attach();
    button.addEventListener("click", () => (open ? hide() : show(button)));
    for (const reach of ["pointerenter", "focus", "touchstart"]) button.addEventListener(reach, load, { passive: true });
    relabel();
  }

  function attach() {
    (document.querySelector("[data-tiski-here]") || document.documentElement).append(drawn.host);
  }

  function relabel() {
    drawn.label(open, unread, hidden || full);
  }

  /** A conversation under way goes on: count what is new, reopen what was open. */
  function resume() {
    if (!remembered("visitor")) return;
    if (document.hidden) {
      document.addEventListener("visibilitychange", resume, { once: true });
      return;
    }
    const reopen = remembered("open") && !matchMedia("(max-width: 480px)").matches;
    load().then(() => {
      if (!panel || open) return;
      if (reopen) show(null, { focus: false });
      else panel.wake();
    });
  }

  /** @param {string} name */
  function remembered(name) {
    try {
      return localStorage.getItem(`tiski.${key}.${name}`);
    } catch (_) {}
  }

  /** The panel, fetched once. */
  function load() {
    if (loading) return loading;
    const context = {
      ...drawn, base, full, preview, emit, closed,
      unread: (/** @type {number} */ count) => {
        unread = count;
        relabel();
      },
    };
    const dress = fetch(new URL(drawn.config.css, base).href, { credentials: "omit" }).then((answer) => answer.text());
    loading = Promise.all([import(new URL(drawn.config.panel, base).href), dress])
      .then(([module, css]) => (panel = module.mount(context, css)))
      .catch(() => {
        loading = null;
        if (open) closed();
      });
    return loading;
  }

  /** @param {Element | null} from what was pressed @param {{text?: string, focus?: boolean}} [how] */
  function show(from, how) {
    opener = from || opener;
    const before = open;
    open = true;
    drawn.frame.hidden = full;
    relabel();
    load().then(() => {
      if (!panel || !open) return;
      panel.open({ focus: !how || how.focus !== false, text: how && how.text });
      if (!before) emit("open", {});
    });
  }

  function hide() {
    if (panel) panel.close();
    else if (open) closed();
  }

  /** The panel has closed: focus goes back to where it came from. */
  function closed() {
    const inside = drawn.frame.contains(drawn.root.activeElement);
    const back = opener && opener.isConnected ? opener : drawn.button;
    open = false;
    drawn.frame.hidden = true;
    relabel();
    if (inside) /** @type {HTMLElement} */ (back).focus({ preventScroll: true });
    opener = null;
    emit("close", {});
  }

  /** @param {boolean} away */
  function reveal(away) {
    hidden = away;
    if (away) hide();
    relabel();
  }

  function reset() {
    if (loading || remembered("visitor")) load().then(() => panel && panel.reset());
  }

  /** @param {string} wanted */
  async function speak(wanted) {
    lang = wanted;
    const launcher = drawLauncher(await fetchConfig(), options, base);
    const again = open;
    if (panel) panel.leave();
    drawn.host.remove();
    open = false;
    loading = panel = null;
    put(launcher);
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

  function pageChanged() {
    if (!drawn.host.isConnected) attach();
    markButtons();
    emit("page", { url: location.href });
  }
}
