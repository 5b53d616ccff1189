// One sheet: its answers, the passages that fail, and its draft.
"use strict";

// ---- answering ----

const criteria = (form) => $$(".criterion", form).filter((field) => !field.disabled);
const choicesOf = (field) => $$("input[type=radio]:not([data-holds])", field);

function choose(radio) {
  if (!radio || radio.checked) return;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
}

function turn(field) {
  const options = choicesOf(field);
  const now = options.findIndex((option) => option.checked);
  choose(options[(now + 1) % options.length]);
}

function turnHolds(field) {
  const options = $$("[data-holds]", field);
  if (options.length) choose(options[(options.findIndex((option) => option.checked) + 1) % options.length]);
}

function fillOpen(form) {
  if (form.querySelector('[name="better"]')) return;
  for (const field of criteria(form)) {
    const options = choicesOf(field);
    if (!options.some((option) => option.checked)) choose(options[0]);
    const holds = $$("[data-holds]", field);
    if (holds.length && !holds.some((option) => option.checked)) choose(holds[0]);
  }
  toast(words.allMet, null, 2500);
}

function missing(form) {
  const open = criteria(form).filter((field) => !choicesOf(field).some((option) => option.checked));
  const unmarked = $$(".criterion", form).filter((field) => {
    const holds = $$("[data-holds]", field);
    return holds.length && !holds.some((option) => option.checked) ;
  });
  for (const field of $$(".criterion", form)) field.classList.toggle("still-open", open.includes(field) || unmarked.includes(field));
  const text = open.length ? words.missing.replace("{}", open.map(titleOf).join("、")) : unmarked.length ? words.missingHolds : "";
  const note = $("[data-missing]", form);
  note.textContent = text;
  note.hidden = !text;
  const first = open[0] ?? unmarked[0];
  if (first) $("input[type=radio]", first).focus();
  return Boolean(text);
}

// ---- passages ----

const located = (form) => $("[data-located]", form);
const spansField = (form, name) => form.querySelector(`input[name="spans_${name}"]`);

function paintSpans(form) {
  const root = located(form);
  if (!root) return;
  const painted = { risk: [], amber: [] };
  for (const block of $$("[data-evidence]", form)) {
    const name = block.dataset.evidence;
    const list = $("[data-spans-list]", block);
    const spans = Marks.read(spansField(form, name).value);
    const failed = $("[data-fails]", block.closest(".criterion"))?.checked && !block.closest(".criterion").disabled;
    list.replaceChildren(...spans.map((span) => spanChip(form, name, root, span)));
    if (!spans.length) list.append(Object.assign(document.createElement("li"), { className: "muted none", textContent: words.none }));
    if (failed) for (const span of spans) painted[block.classList.contains("risk") ? "risk" : "amber"].push(...Marks.rangesOf(root, span));
    const clause = $("[name^=clause_]", block);
    const cite = $("[data-clause]", form)?.dataset.clause;
    $("[data-clause-fill]", block).hidden = !cite || Boolean(clause.value);
  }
  Marks.paint("failed-risk", painted.risk);
  Marks.paint("failed-quality", painted.amber);
}

function spanChip(form, name, root, span) {
  const item = document.createElement("li");
  const letters = [...Marks.textOf(root, span)];
  const text = letters.length > 36 ? `${letters.slice(0, 20).join("")}……${letters.slice(-12).join("")}` : letters.join("");
  item.append(Object.assign(document.createElement("q"), { textContent: text, lang: "zh-Hans" }));
  const remove = Object.assign(document.createElement("button"), { type: "button", className: "link-button remove", textContent: "×", title: words.remove });
  remove.setAttribute("aria-label", words.remove);
  remove.addEventListener("click", () => {
    const field = spansField(form, name);
    setSpans(form, name, Marks.read(field.value).filter(([start, end]) => start !== span[0] || end !== span[1]));
  });
  item.append(remove);
  return item;
}

function setSpans(form, name, spans) {
  spansField(form, name).value = Marks.write(spans);
  paintSpans(form);
  touched(form);
}

const addSpan = (form, name, span) => setSpans(form, name, Marks.add(Marks.read(spansField(form, name).value), span));

function selectedSpan(form) {
  const root = form && located(form);
  const selection = document.getSelection();
  if (!root || !selection?.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  return range.intersectsNode(root) ? Marks.spanOf(root, range) : null;
}

// The selected passage fails this criterion.
function failWith(form, field, span) {
  choose($("[data-fails]", field));
  if (field.disabled) return;
  addSpan(form, field.dataset.name, span);
  document.getSelection().removeAllRanges();
  hidePalette();
  toast(words.marked.replace("{}", titleOf(field)), null, 2500);
}

const palette = document.createElement("div");
palette.className = "palette";
palette.hidden = true;
document.body.append(palette);
function hidePalette() { palette.hidden = true; }

// For those who touch instead of type: the criteria, beside what is selected.
function offerPalette() {
  const form = anyForm();
  const span = selectedSpan(form);
  if (!span || !$("[data-evidence]", form)) return hidePalette();
  palette.replaceChildren(...criteria(form).map((field) => {
    const button = actButton(titleOf(field), () => failWith(form, field, span));
    button.prepend(Object.assign(document.createElement("kbd"), { textContent: field.dataset.key }), " ");
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    return button;
  }));
  const box = document.getSelection().getRangeAt(0).getBoundingClientRect();
  palette.hidden = false;
  palette.style.left = `${Math.max(8, Math.min(box.left, innerWidth - palette.offsetWidth - 8)) + scrollX}px`;
  palette.style.top = `${box.bottom + scrollY + 6}px`;
}

// Without a mouse: sentence by sentence.
function startPick(form, field) {
  const root = located(form);
  if (!root || !field) return;
  if (document.activeElement?.matches("input, textarea, button")) document.activeElement.blur();
  const sentences = Marks.sentencesOf(root);
  if (!sentences.length) return;
  state.pick = { form, field, root, sentences, at: 0 };
  document.body.classList.add("picking");
  toast(words.pick.replace("{}", titleOf(field)), null, 60_000);
  movePick(0);
}

function movePick(by) {
  const pick = state.pick;
  pick.at = Math.max(0, Math.min(pick.sentences.length - 1, pick.at + by));
  const ranges = Marks.rangesOf(pick.root, pick.sentences[pick.at]);
  Marks.paint("here", ranges);
  const box = ranges[0].getBoundingClientRect();
  if (box.top < 80 || box.bottom > innerHeight - 120) window.scrollBy(0, box.top - innerHeight / 3);
}

function markPick() {
  const { form, field, sentences, at } = state.pick;
  const name = field.dataset.name;
  const [start, end] = sentences[at];
  const spans = Marks.read(spansField(form, name).value);
  const there = spans.some(([from, to]) => from <= start && end <= to);
  if (there) setSpans(form, name, spans.filter(([from, to]) => !(from <= start && end <= to)));
  else {
    choose($("[data-fails]", field));
    addSpan(form, name, [start, end]);
  }
}

function endPick() {
  if (!state.pick) return;
  state.pick = null;
  document.body.classList.remove("picking");
  document.getElementById("toasts").replaceChildren();
  Marks.paint("here", []);
}

function pickField(form) {
  const failing = criteria(form).filter((field) => $("[data-fails]", field)?.checked);
  const focused = document.activeElement?.closest?.(".criterion");
  return failing.includes(focused) ? focused : failing.find((field) => field.dataset.name === form._lastFailed) ?? failing[0];
}

// ---- drafts ----

function touched(form) {
  if (!form.dataset.seat) return;
  form._dirty = true;
  Store.backup.put(form.dataset.seat, { fence: form.dataset.fence, fields: fieldsOf(form) });
  clearTimeout(form._timer);
  form._timer = setTimeout(() => saveDraft(form), DRAFT_MS);
}

async function saveDraft(form) {
  if (!form._dirty || form._saving || form._gone || form._conflict) return;
  form._saving = true;
  form._dirty = false;
  clearTimeout(form._timer);
  if (form === seatForm()) kept(words.saving);
  const fields = fieldsOf(form);
  form._inFlight = Store.post(form.dataset.draft, fields);
  const { status, body } = await form._inFlight;
  form._saving = false;
  if (form._gone) return;
  if (status === 200) {
    form.elements.version.value = body.version;
    if (!form._dirty) Store.backup.drop(form.dataset.seat);
    Store.channel?.postMessage({ kind: "draft", seat: form.dataset.seat, version: body.version, fields: fieldsOf(form) });
    if (form === seatForm()) kept(words.saved);
    calm("login");
    if (form._dirty) form._timer = setTimeout(() => saveDraft(form), DRAFT_MS);
    return;
  }
  if (status === 409) return conflict(form, body);
  form._dirty = true;
  if (status === 401) alarm("login", words.login, loginLink());
  if (form === seatForm()) kept(words.keptHere);
  if (status === 0 || status === 401 || status === 429 || status >= 500) form._timer = setTimeout(() => saveDraft(form), 4000);
}

function conflict(form, body) {
  if (form !== seatForm()) return;
  form._conflict = true;
  const note = $("[data-conflict]", form);
  const go = (act) => () => { form._conflict = false; note.hidden = true; act(); };
  note.replaceChildren(Object.assign(document.createElement("p"), { textContent: body.error }));
  if (body.version) {
    note.append(actButton(words.theirs, go(() => adopt(form, body.content, body.version))), " ",
      actButton(words.mine, go(() => { form.elements.version.value = body.version; touched(form); saveDraft(form); })));
  } else {
    note.append(actButton(words.continue, go(() => { drop(form); look(); })));
  }
  note.hidden = false;
}

// What belongs to the form itself and not to the answers.
const FRAME = ["fence", "version", "key", "duration_ms", "csrfmiddlewaretoken", "reason", "note"];
const OPTION = { true: "yes", false: "no" };

// Another version of the draft, as the server keeps it, into the form.
function adopt(form, content, version) {
  const fields = [["rationale", content.rationale ?? ""], ["correction", content.correction ?? ""]];
  for (const [name, value] of Object.entries(content.answers ?? {})) fields.push([name, OPTION[value] ?? String(value)]);
  for (const [name, value] of Object.entries(content.evidence ?? {})) {
    fields.push([`clause_${name}`, value.clause ?? ""], [`spans_${name}`, Marks.write(value.spans ?? [])]);
  }
  fill(form, fields, version);
  form._dirty = false;
  Store.backup.drop(form.dataset.seat);
}

const openBetter = (form) => { form.elements.correction.closest("details").open = true; };

function fill(form, fields, version) {
  const values = new Map(fields);
  for (const element of form.elements) {
    if (FRAME.includes(element.name)) continue;
    if (element.type === "radio") element.checked = values.get(element.name) === element.value;
    else if (element.name) element.value = values.get(element.name) ?? "";
  }
  form.elements.version.value = version;
  if (form.elements.correction?.value) openBetter(form);
  update(form);
}

// What did not reach the server before the page was closed.
function restore(form) {
  const found = Store.backup.get(form.dataset.seat);
  if (!found || form._restored) return;
  form._restored = true;
  const written = (fields) => JSON.stringify(fields.filter(([name, value]) => value && !FRAME.includes(name)).sort());
  if (written(found.fields) === written(fieldsOf(form))) return Store.backup.drop(form.dataset.seat); // it did, at last
  const version = new Map(found.fields).get("version") ?? form.elements.version.value;
  fill(form, found.fields, version);
  form._dirty = true;
  saveDraft(form);
}

function drop(form) {
  form._gone = true;
  clearTimeout(form._timer);
  Store.backup.drop(form.dataset.seat);
}
