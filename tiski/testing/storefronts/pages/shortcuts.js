// The shop's own shortcuts, and somebody who writes down every key.
for (const kind of ["keydown", "keyup", "keypress", "input", "paste"]) {
  document.addEventListener(kind, (event) => {
    document.documentElement.dataset.keys = `${document.documentElement.dataset.keys || ""}${event.key || kind} `;
  });
}
document.addEventListener("keydown", (event) => {
  if (["/", "j", "Escape"].includes(event.key)) document.documentElement.dataset.shortcut = event.key;
});
