// Progressive enhancement only: every page works without this file.
"use strict";

// A dropped file lands in the ordinary file input of its zone.
function wireDrop(zone) {
  if (zone.dataset.wired) return;
  zone.dataset.wired = "true";
  const input = zone.querySelector('input[type="file"]');
  const name = zone.querySelector("[data-drop-name]");
  const hint = zone.querySelector("[data-drop-hint]");
  if (!input) return;
  if (hint) hint.hidden = false;
  const show = () => {
    const file = input.files[0];
    if (name) name.value = file ? `${file.name} · ${(file.size / 2 ** 20).toFixed(1)} MiB` : "";
  };
  input.addEventListener("change", show);
  for (const type of ["dragenter", "dragover"]) {
    zone.addEventListener(type, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const type of ["dragleave", "drop"]) {
    zone.addEventListener(type, (event) => {
      if (type === "drop" || !zone.contains(event.relatedTarget)) zone.classList.remove("over");
    });
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  if (!source) return;
  const text = source.value ?? source.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    source.select?.(); // no clipboard on a page without https: leave the text selected for Ctrl-C
    return;
  }
  const before = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = before; }, 2000);
});

// A button that cannot be taken back asks first.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// htmx changes the address without a new page; the language switch comes back to where one is now.
document.addEventListener("htmx:pushedIntoHistory", (event) => {
  for (const here of document.querySelectorAll("[data-here]")) here.value = event.detail.path;
});

// A form sends itself when a field with data-autosubmit changes; its button stays for those without JavaScript.
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-autosubmit]")) event.target.form?.requestSubmit();
});

// A form with a file, sent by htmx, shows how much of it has left, and says so if it did not arrive.
function uploadParts(form) {
  const find = (selector) => form.querySelector(selector);
  return {
    state: find("[data-upload-state]"),
    bar: find("[data-upload-state] progress"),
    sending: find("[data-upload-sending]"),
    checking: find("[data-upload-checking]"),
  };
}

document.addEventListener("htmx:xhr:loadstart", (event) => {
  const form = event.target.closest?.("form[data-upload]");
  if (!form) return;
  uploadParts(form).state.hidden = false;
  for (const notice of form.querySelectorAll("[data-upload-error]")) notice.hidden = true;
});

document.addEventListener("htmx:xhr:progress", (event) => {
  const form = event.target.closest?.("form[data-upload]");
  if (!form || !event.detail.lengthComputable) return;
  const { bar, sending, checking } = uploadParts(form);
  const whole = event.detail.loaded >= event.detail.total;
  if (whole) bar.removeAttribute("value");
  else bar.value = (100 * event.detail.loaded) / event.detail.total;
  sending.hidden = whole;
  checking.hidden = !whole;
});

for (const type of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(type, (event) => {
    const form = event.target.closest?.("form[data-upload]");
    if (!form) return;
    uploadParts(form).state.hidden = true;
    const kind = event.detail.xhr?.status === 413 ? "413" : "other";
    form.querySelector(`[data-upload-error="${kind}"]`).hidden = false;
  });
}

// A choice leaves of its form only the parts that belong to it; without JavaScript all of them are seen.
function wireParts(select) {
  const show = () => {
    for (const part of select.form.querySelectorAll("[data-for]")) {
      part.hidden = !part.dataset.for.split(" ").includes(select.value);
    }
  };
  select.addEventListener("change", show);
  show();
}

// Controls that need JavaScript are hidden until it runs; also in parts that htmx brings later.
function wire(root) {
  for (const zone of root.querySelectorAll("[data-drop]")) wireDrop(zone);
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
  for (const select of root.querySelectorAll("select[data-parts]")) wireParts(select);
}

wire(document);
document.addEventListener("htmx:load", (event) => wire(event.detail.elt));
