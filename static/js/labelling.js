// The labelling page: one form after another is put on the stage. It works without this file as well, a page a task.
"use strict";

// ---- keys ----

const inText = (target) => target.matches?.("textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox])");

function pickKey(event) {
  const moves = { ArrowDown: 1, ArrowRight: 1, j: 1, ArrowUp: -1, ArrowLeft: -1, k: -1 };
  if (event.key in moves) movePick(moves[event.key]);
  else if (event.key === " " || event.key === "Enter") markPick();
  else if (event.key === "Escape" || event.key.toLowerCase() === "e") endPick();
  else return false;
  return true;
}

function openAct(form, name) {
  const fold = $(`details[data-act="${name}"]`, form);
  if (!fold) return false;
  endPick();
  fold.open = true;
  $("input, textarea", fold).focus();
  fold.scrollIntoView({ block: "nearest" });
  return true;
}

function digit(form, number, shift) {
  const fold = document.activeElement?.closest?.('details[data-act="skip"][open]');
  if (fold) {
    const radio = $$("[name=reason]", fold)[number - 1];
    if (radio) { radio.checked = true; radio.focus(); }
    return Boolean(radio);
  }
  const direct = $(`input[data-key="${number}"]`, form);
  if (direct) {
    if (!direct.closest(".criterion").disabled) choose(direct);
    return true;
  }
  const field = $$(".criterion", form).find((row) => row.dataset.key === String(number));
  if (!field) return false;
  if (shift) turnHolds(field);
  else if (!field.disabled) {
    const span = selectedSpan(form);
    if (span && $("[data-evidence]", field)) failWith(form, field, span);
    else turn(field);
  }
  return true;
}

function letter(form, key) {
  if (key === "u") { const back = $("form[data-back]"); if (back) between(back); else undo(); return true; }
  if (key === "?" || key === "？") { openHelp(); return true; }
  if (key === "d") { showDefinitions(); return true; }
  if (key === "j" || key === "k") { window.scrollBy(0, key === "j" ? 240 : -240); return true; }
  if (!form) return false;
  if (key === "a") { fillOpen(form); return true; }
  if (key === "s") return openAct(form, "skip");
  if (key === "f") return openAct(form, "flag");
  if (key === "e") { startPick(form, pickField(form)); return true; }
  if (key === "r") { endPick(); form.elements.rationale.focus(); return true; }
  if (key === "w" && form.elements.correction) { endPick(); openBetter(form); form.elements.correction.focus(); return true; }
  return false;
}

function enter(event, form) {
  const target = event.target;
  const fold = target.closest?.("details.other-act");
  if (fold && form) {
    if (inText(target) && !event.ctrlKey && !event.metaKey) return false;
    if (target.matches("summary, button")) return false;
    setAside(form, $("[data-skip], [data-flag]", fold));
    return true;
  }
  if (target.matches?.("a, button, summary")) return false;
  if (inText(target) && !event.ctrlKey && !event.metaKey) {
    if (!target.matches("textarea")) target.blur();
    return !target.matches("textarea");
  }
  if (form) submit(form);
  else {
    const go = $("form[data-go], form[data-go-on]");
    if (!go) return false;
    between(go);
  }
  return true;
}

function onKey(event) {
  // An input method is at work: the key is part of a word, wherever the focus is.
  if (event.isComposing || event.keyCode === 229 || state.composing || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  const form = anyForm();
  state.touchedAt = Date.now();
  let done = false;
  if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.repeat && !state.pick) done = enter(event, form);
  else if (event.key === "Escape" && !state.pick) {
    const fold = event.target.closest?.("details[open].other-act");
    if (fold) fold.open = false;
    if (inText(event.target) || fold) { event.target.blur(); stage.focus({ preventScroll: true }); done = true; }
    hidePalette();
  } else if (inText(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  else if (state.pick && pickKey(event)) done = true;
  else if (!event.repeat) {
    const number = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? (/^\d$/.test(event.key) ? event.key : null);
    if (number === "0" && form) { fillOpen(form); done = true; }
    else if (number && form) done = digit(form, Number(number), event.shiftKey);
    else done = letter(form, event.key.toLowerCase());
  } else if (/^[jk]$/.test(event.key)) done = letter(form, event.key);
  if (done) event.preventDefault();
}

function openHelp() {
  document.getElementById("help").showModal();
}

function showDefinitions() {
  const on = stage.classList.toggle("with-definitions");
  try { localStorage.setItem("medes:definitions", on ? "1" : ""); } catch { /* then only for now */ }
}

// ---- wiring ----

document.addEventListener("compositionstart", () => { state.composing = true; });
document.addEventListener("compositionend", () => { setTimeout(() => { state.composing = false; }); });
document.addEventListener("keydown", onKey);
document.addEventListener("selectionchange", () => { clearTimeout(state.offering); state.offering = setTimeout(offerPalette, 200); });
for (const type of ["pointerdown", "scroll"]) addEventListener(type, () => { state.touchedAt = Date.now(); }, { passive: true });

stage.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form?.matches(".seat") || ["reason", "note"].includes(event.target.name)) return;
  if (event.target.hasAttribute("data-fails") && event.target.checked) form._lastFailed = event.target.name;
  event.target.closest(".criterion")?.classList.remove("still-open");
  if (!$(".still-open", form)) $("[data-missing]", form).hidden = true;
  update(form);
  touched(form);
});
stage.addEventListener("input", (event) => {
  if (event.target.matches("textarea[name=rationale], textarea[name=correction], input[name^=clause_]")) touched(event.target.form);
});
stage.addEventListener("submit", (event) => {
  const form = event.target;
  event.preventDefault();
  const button = event.submitter;
  if (form.matches("form.seat")) {
    if (button?.matches("[data-skip], [data-flag]")) setAside(form, button);
    else submit(form);
  } else if (form.matches("[data-go], [data-back], [data-go-on]")) between(form);
  else form.submit();
});
stage.addEventListener("click", (event) => {
  const form = event.target.closest("form.seat");
  const field = event.target.closest(".criterion");
  if (event.target.closest("[data-pick]")) startPick(form, field);
  else if (event.target.closest("[data-clause-fill]")) {
    const input = $("[name^=clause_]", field);
    input.value = $("[data-clause]", form).dataset.clause;
    touched(form);
    paintSpans(form);
  } else if (event.target.closest("[data-again]")) {
    event.preventDefault();
    look();
  }
});
addEventListener("online", () => { state.wake?.(); flush(); if (seatForm()?._dirty) saveDraft(seatForm()); });
document.addEventListener("visibilitychange", () => {
  const form = anyForm();
  if (form && document.hidden && form._since !== null) { form._seen += performance.now() - form._since; form._since = null; }
  else if (form && !document.hidden) { form._since = performance.now(); state.wake?.(); beat(); }
  if (document.hidden && seatForm()) saveDraft(seatForm());
});
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

Store.channel?.addEventListener("message", ({ data }) => {
  const form = seatForm();
  if (!form || form.dataset.seat !== data.seat || form._gone) return;
  if (data.kind === "draft" && !form._dirty && !form._saving) { fill(form, data.fields, data.version); kept(words.saved); }
  if (data.kind === "done" && !form._dirty) { drop(form); state.pieces.delete(nameOf(form)); look(); }
});

const help = document.getElementById("help");
help.querySelector("[data-close]").addEventListener("click", () => help.close());
help.addEventListener("click", (event) => { if (event.target === help) help.close(); });
help.addEventListener("close", () => stage.focus({ preventScroll: true }));
const helpButton = document.querySelector("[data-help]");
helpButton.hidden = false;
helpButton.addEventListener("click", openHelp);
setTimeout(() => document.querySelector(".undo-form")?.remove(), UNDO_MS);

try { stage.classList.toggle("with-definitions", localStorage.getItem("medes:definitions") === "1"); } catch { /* never mind */ }
Store.backup.tidy();
if (seatForm()) state.pieces.set(nameOf(seatForm()), seatForm());
document.body.classList.add("scripted");
ready();
stage.focus({ preventScroll: true });
flush().then(() => { if (seatForm() && !state.ahead) look(true); });
lookAgainLater();
setInterval(beat, BEAT_MS);
