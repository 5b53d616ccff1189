// What stands on the stage: one form, and the small voices around it. The other labelling scripts build on this.
"use strict";

const stage = document.getElementById("stage");
const words = document.getElementById("words").dataset;
const $ = (selector, root = stage) => root.querySelector(selector);
const $$ = (selector, root = stage) => [...root.querySelectorAll(selector)];
const UNDO_MS = 10_000;
const DRAFT_MS = 700;
const BEAT_MS = 25_000;
const LOOK_MS = 15_000;

const state = {
  ahead: null, // the next task's form, claimed and rendered
  last: null, // {form, key, label, mayUndo, until}: what U takes back
  pieces: new Map(), // "seat:fence" -> form, of what the server need not send again
  sending: null, after: new Map(), lost: new Set(), touchedAt: Date.now(), pick: null, composing: false, unread: 0,
};

const seatForm = () => $("form[data-seat]");
const anyForm = () => $("form.seat");
const nameOf = (form) => `${form.dataset.seat}:${form.dataset.fence}`;
const fieldsOf = (form) => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "reason" && name !== "note");
const titleOf = (criterion) => $(".title", criterion).firstChild.textContent.trim();

// ---- saying things ----

function toast(text, button = null, ms = 6000) {
  const note = document.createElement("p");
  note.className = "toast";
  note.append(text);
  if (button) {
    const element = document.createElement("button");
    element.type = "button";
    element.className = "small";
    element.append(button.text, " ");
    if (button.key) element.append(Object.assign(document.createElement("kbd"), { textContent: button.key }));
    element.addEventListener("click", button.act);
    note.append(element);
  }
  document.getElementById("toasts").replaceChildren(note);
  setTimeout(() => note.remove(), ms);
}

function alarm(id, text, ...acts) {
  document.getElementById(`alert-${id}`)?.remove();
  const note = document.createElement("div");
  note.id = `alert-${id}`;
  note.className = "notice warn";
  note.append(Object.assign(document.createElement("span"), { textContent: text }));
  for (const act of acts) note.append(" ", act);
  document.getElementById("alerts").append(note);
}

const calm = (id) => document.getElementById(`alert-${id}`)?.remove();
const kept = (text) => { document.getElementById("kept").textContent = text; };

function actButton(text, act) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: text });
  button.addEventListener("click", act);
  return button;
}

function loginLink() {
  const link = Object.assign(document.createElement("a"), { href: `${stage.dataset.login}?next=${encodeURIComponent(stage.dataset.here)}`, target: "_blank", textContent: words.loginLink });
  return link;
}

// ---- the stage ----

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // our own server's, rendered by its templates
  return template.content;
}

function formOf(piece) {
  if (!piece?.html) return piece ? state.pieces.get(`${piece.slot}:${piece.fence}`) ?? null : null;
  const form = parse(piece.html).firstElementChild;
  state.pieces.set(nameOf(form), form);
  for (const name of [...state.pieces.keys()].slice(0, -5)) state.pieces.delete(name);
  return form;
}

function show(element, focus = true) {
  endPick();
  stage.replaceChildren(...(element instanceof DocumentFragment ? element.childNodes : [element]));
  delete stage.dataset.busy;
  document.body.classList.toggle("in-reveal", Boolean($("form.reveal")));
  window.scrollTo(0, 0);
  ready();
  if (focus) stage.focus({ preventScroll: true });
}

function busy() {
  stage.dataset.busy = "true";
  stage.setAttribute("aria-busy", "true");
}

// Whatever has come onto the stage, by the server or by the script.
function ready() {
  stage.removeAttribute("aria-busy");
  const form = anyForm();
  if (!form) return;
  form._seen ??= 0;
  form._since = document.hidden ? null : performance.now();
  for (const button of $$("[data-pick], [data-clause-fill]")) button.hidden = false;
  if (form.dataset.seat) restore(form);
  update(form);
  kept("");
}

function update(form) {
  const risky = $$(".risk-question [data-fails]:checked", form).length > 0;
  for (const field of $$(".criterion.quality", form)) field.disabled = risky;
  for (const note of $$("[data-risky-note]", form)) note.hidden = !risky;
  const by = $('.criterion[data-name="by"]', form);
  if (by) by.disabled = $('input[name="better"][value="tie"]', form)?.checked ?? false;
  paintSpans(form);
}
