/**
 * Opens dialogs from buttons and closes them with a press beside them.
 *
 *     <button type="button" data-opens="ask">…</button>   <dialog class="dialog" id="ask">…</dialog>
 */

export function installDialogs() {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const opener = /** @type {HTMLElement | null} */ (target?.closest("[data-opens]") ?? null);
    if (opener) open(opener.dataset.opens ?? "");
    // The dialog itself is hit only where its backdrop shows: its content covers the rest.
    if (target instanceof HTMLDialogElement && target.matches(".dialog") && isBeside(target, event)) target.close();
  });
}

/** @param {string} id */
function open(id) {
  const dialog = document.getElementById(id);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

/** @param {Element} dialog @param {MouseEvent} press */
function isBeside(dialog, press) {
  const box = dialog.getBoundingClientRect();
  return press.clientX < box.left || press.clientX > box.right || press.clientY < box.top || press.clientY > box.bottom;
}
