// A theme that changes pages by itself and runs the scripts of each section again.
document.querySelector(".route").addEventListener("click", (event) => {
  event.preventDefault();
  history.pushState({}, "", event.target.href);
  const again = document.createElement("script");
  again.src = document.querySelector("script[data-key]").src;
  again.dataset.key = document.querySelector("script[data-key]").dataset.key;
  document.querySelector("#section").replaceChildren(again);
});
document.addEventListener("tiski:page", (event) => {
  document.documentElement.dataset.pages = `${document.documentElement.dataset.pages || ""} ${new URL(event.detail.url).pathname}`;
});
