/** The shop's page around the widget: when it is idle, when it changes, and when it shows something more important. */

const IDLE_WITHIN = 1300;
const LOOK_EVERY = 2000;

/** Old browsers get nothing rather than something broken. */
export function capable() {
  return "adoptedStyleSheets" in Document.prototype && "replaceChildren" in Element.prototype && "inert" in HTMLElement.prototype;
}

/** After `load`, outside prerendering, when the page has nothing better to do. @param {boolean} now @returns {Promise<any>} */
export function idle(now) {
  return new Promise((done) => {
    const look = () => {
      if (/** @type {any} */ (document).prerendering) document.addEventListener("prerenderingchange", look, { once: true });
      else if (document.readyState !== "complete") window.addEventListener("load", look, { once: true });
      else if (now || !window.requestIdleCallback) setTimeout(done, now ? 0 : 200);
      else window.requestIdleCallback(done, { timeout: IDLE_WITHIN });
    };
    look();
  });
}

/** Page changes without a load; `history` is never patched. @param {() => void} changed */
export function watchAddress(changed) {
  const navigation = /** @type {any} */ (window).navigation;
  if (navigation) {
    navigation.addEventListener("navigatesuccess", changed);
    return;
  }
  let seen = location.href;
  const look = () => {
    if (location.href === seen || document.hidden) return;
    seen = location.href;
    changed();
  };
  window.addEventListener("popstate", look);
  setInterval(look, LOOK_EVERY);
}

/** Out of sight while a modal dialog of the shop is open. @param {() => HTMLElement} host */
export function makeWay(host) {
  const look = () => {
    const modal = document.querySelector(":modal");
    host().hidden = Boolean(modal);
    if (modal) setTimeout(look, 500);
  };
  new MutationObserver(look).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["open"] });
  look();
}

/** The shop's own buttons, `data-tiski-open`. @param {(button: Element) => void} pressed */
export function watchButtons(pressed) {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-tiski-open]") : null;
    if (!button) return;
    event.preventDefault();
    pressed(button);
  });
}

/** Say what the shop's own buttons do. */
export function markButtons() {
  document.querySelectorAll("[data-tiski-open]").forEach((button) => button.setAttribute("aria-haspopup", "dialog"));
}
