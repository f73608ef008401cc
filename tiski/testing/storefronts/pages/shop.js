// The shop's own script: its button must go on working, whatever the widget does.
document.querySelector(".buy").addEventListener("click", () => {
  const { dataset } = document.documentElement;
  dataset.bought = String(Number(dataset.bought || 0) + 1);
});
