// A size guide in a modal dialog.
document.querySelector(".open-modal").addEventListener("click", () => document.querySelector("#sizes").showModal());
document.querySelector(".close-modal").addEventListener("click", () => document.querySelector("#sizes").close());
