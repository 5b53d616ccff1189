// Keys for a referee: 1–9 accept that label, O overrule, S norm silent, R reasons, N another task, Ctrl+Enter rule.
// None fires in a text field or while an input method composes; the page works without this file.
"use strict";

const ruling = document.querySelector("form[data-ruling]");
const inText = (element) => element.closest("textarea, select, input:not([type=radio]):not([type=checkbox])") !== null;

function choose(radio) {
  radio.checked = true;
  radio.focus();
  radio.dispatchEvent(new Event("change", { bubbles: true }));
}

function openFor(radio) {
  const details = radio.dataset.opens && document.getElementById(radio.dataset.opens);
  if (details) details.open = radio.checked;
}

if (ruling) {
  for (const hint of ruling.querySelectorAll("[data-keys]")) hint.hidden = false;
  ruling.addEventListener("change", (event) => {
    if (event.target.name === "choice") openFor(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      ruling.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.repeat || inText(event.target)) return;
    const key = event.key.toLowerCase();
    const radio = ruling.querySelector(`input[name="choice"][data-key="${CSS.escape(key)}"]`);
    if (radio) {
      event.preventDefault();
      choose(radio);
    } else if (key === "r") {
      event.preventDefault();
      ruling.elements.rationale.focus();
    } else if (key === "n") {
      document.getElementById("another-task")?.click();
    }
  });
  // Ruled twice by an impatient hand is ruled once; the server knows that too.
  ruling.addEventListener("submit", () => {
    for (const button of ruling.querySelectorAll("button")) button.disabled = true;
  });
  ruling.querySelector(".errorlist")?.scrollIntoView({ block: "center" });
}
