// A key presses the button that names it (data-key): only where one types nothing. Every page works without it.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.repeat || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  const wanted = event.key.toLowerCase();
  const button = [...document.querySelectorAll("button[data-key]")].find((one) => one.dataset.key === wanted);
  if (!button || button.disabled) return;
  event.preventDefault();
  button.click();
});
