/**
 * How the panel opens and closes: beside the page on a desk, in its place on a phone. Non-modal beside the page; on a
 * phone the page is `inert` while the panel covers it, and never after (widget.md 10).
 */

const NARROW = "(max-width: 480px), (max-height: 440px) and (max-width: 900px)";

/**
 * @param {object} stage
 * @param {HTMLElement} stage.frame the panel's element
 * @param {boolean} stage.full the panel is the whole page and never closes
 * @param {() => void} stage.onclose the visitor wants it closed: Escape, or Back on a phone
 */
export function openStage({ frame, full, onclose }) {
  const narrow = matchMedia(NARROW);
  let open = false;
  /** @type {{destroy: () => void} | null} */
  let watcher = null;

  /** Whether the panel covers the page. */
  const covers = () => open && narrow.matches && !full;

  function settle() {
    if (covers()) frame.setAttribute("aria-modal", "true");
    else frame.removeAttribute("aria-modal");
    document.body.inert = covers();
    fit();
  }

  /** The on-screen keyboard leaves less room than the layout knows of. */
  function fit() {
    const view = window.visualViewport;
    const shrunk = view && covers() && view.scale === 1 && window.innerHeight - view.height > 60;
    frame.style.height = view && shrunk ? `${view.height}px` : "";
    frame.style.top = view && shrunk ? `${view.offsetTop}px` : "";
  }

  /** Back on a phone asks to close, without a history entry of ours in the shop's page. */
  function watchBack() {
    const Watcher = /** @type {any} */ (window).CloseWatcher;
    if (!Watcher || !covers()) return;
    watcher = new Watcher();
    /** @type {any} */ (watcher).onclose = () => open && onclose();
  }

  function leave() {
    document.body.inert = false;
  }

  frame.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || full) return;
    event.preventDefault();
    onclose();
  });
  narrow.addEventListener("change", () => open && settle());
  if (window.visualViewport) window.visualViewport.addEventListener("resize", () => open && fit());
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", () => open && settle());

  return {
    open() {
      open = true;
      frame.hidden = false;
      settle();
      watchBack();
    },

    close() {
      open = false;
      settle();
      frame.hidden = true;
      if (watcher) watcher.destroy();
      watcher = null;
    },
  };
}
