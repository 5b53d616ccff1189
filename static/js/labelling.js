// The labelling page: one form after another is put on the stage. It works without this file as well, a page a task.
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
  sending: null, lost: new Set(), touchedAt: Date.now(), pick: null, composing: false, unread: 0,
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
  const text = open.length ? words.missing.replace("%s", open.map(titleOf).join("、")) : unmarked.length ? words.missingHolds : "";
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
  toast(words.marked.replace("%s", titleOf(field)), null, 2500);
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
  toast(words.pick.replace("%s", titleOf(field)), null, 60_000);
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
  const { status, body } = await Store.post(form.dataset.draft, fields);
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

const OPTION = { true: "yes", false: "no" };

// Another version of the draft, as the server keeps it, into the form.
function adopt(form, content, version) {
  const fields = [["rationale", content.rationale ?? ""]];
  for (const [name, value] of Object.entries(content.answers ?? {})) fields.push([name, OPTION[value] ?? String(value)]);
  for (const [name, value] of Object.entries(content.evidence ?? {})) {
    fields.push([`clause_${name}`, value.clause ?? ""], [`spans_${name}`, Marks.write(value.spans ?? [])]);
  }
  fill(form, fields, version);
  form._dirty = false;
  Store.backup.drop(form.dataset.seat);
}

function fill(form, fields, version) {
  const values = new Map(fields);
  for (const element of form.elements) {
    if (["fence", "version", "key", "duration_ms", "csrfmiddlewaretoken", "reason", "note"].includes(element.name)) continue;
    if (element.type === "radio") element.checked = values.get(element.name) === element.value;
    else if (element.name) element.value = values.get(element.name) ?? "";
  }
  form.elements.version.value = version;
  update(form);
}

// What did not reach the server before the page was closed.
function restore(form) {
  const found = Store.backup.get(form.dataset.seat);
  if (!found || form._restored) return;
  form._restored = true;
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

// ---- sending ----

function duration(form) {
  const running = form._since === null ? 0 : performance.now() - form._since;
  return Math.round(form._seen + running);
}

function have() {
  return [...state.pieces.keys()].join(",");
}

function submit(form) {
  if (stage.dataset.busy || missing(form)) return;
  endPick();
  clearTimeout(form._timer);
  form._gone = Boolean(form.dataset.seat);
  form.elements.duration_ms.value = duration(form);
  const key = form.elements.key.value;
  const entry = { key, url: form.action, fields: fieldsOf(form), seat: form.dataset.seat ?? null, campaign: stage.dataset.campaign };
  const id = Store.outbox.put(entry);
  if (form.dataset.seat) {
    Store.backup.drop(form.dataset.seat);
    state.pieces.delete(nameOf(form));
  }
  state.last = form.dataset.seat ? { form, key, id, label: null, until: Date.now() + UNDO_MS } : null;
  if (!form.dataset.wait && form.dataset.seat) {
    count(1);
    toast(words.submitted, { text: words.undo, key: "U", act: undo }, UNDO_MS);
    if (state.ahead) show(takeAhead());
    else waitOnStage();
  } else waitOnStage();
  flush();
}

function takeAhead() {
  const form = state.ahead;
  state.ahead = null;
  return form;
}

function waitOnStage() {
  busy();
  const note = Object.assign(document.createElement("p"), { className: "card card-pad waiting", textContent: navigator.onLine ? words.loading : words.wait });
  stage.replaceChildren(note);
}

function count(by) {
  const today = document.querySelector("[data-today]");
  today.textContent = Number(today.textContent) + by;
  document.getElementById("today-bar").value = Number(today.textContent);
}

// The outbox, oldest first, one after the other; whatever does not arrive is tried again.
async function flush() {
  if (state.sending) return state.sending;
  state.sending = (async () => {
    let pause = 0;
    for (let id = Store.outbox.ids()[0]; id; id = Store.outbox.ids()[0]) {
      const entry = Store.outbox.get(id);
      if (!entry) { Store.outbox.drop(id); continue; }
      entry.sent = true;
      const { status, body } = await Store.post(entry.url, [...entry.fields, ["have", have()]]);
      if (status === 200) {
        Store.outbox.drop(id);
        calm("unsent");
        calm("login");
        arrived(entry, body);
      } else if (status === 0 || status === 401 || status === 429 || status >= 500) {
        if (status === 401) alarm("login", words.login, loginLink());
        else alarm("unsent", status ? words.failed : words.unsent.replace("%s", Store.outbox.ids().length));
        pause = Math.min(pause * 2 || 1000, 20_000);
        await new Promise((done) => { state.wake = done; setTimeout(done, pause); });
      } else {
        Store.outbox.drop(id);
        refusedBy(entry, body);
      }
    }
    state.sending = null;
  })();
  return state.sending;
}

function arrived(entry, body) {
  if (entry.seat) Store.channel?.postMessage({ kind: "done", seat: entry.seat });
  if (entry.campaign !== stage.dataset.campaign) return;
  if (state.last?.key === entry.key && body.label) {
    state.last.label = body.label.id;
    state.last.mayUndo = body.label.may_undo;
  }
  if (body.label?.late) alarm("late", body.notice, actButton("×", () => calm("late")));
  apply(body, body.label?.late);
}

function refusedBy(entry, body) {
  const form = state.last?.key === entry.key ? state.last.form : null;
  const text = `${words.refused} ${body.error ?? ""}`;
  if (form) {
    form._gone = false;
    if (state.ahead === null && seatForm() && seatForm() !== form) state.ahead = seatForm();
    show(form);
    const note = $("[data-missing]", form);
    note.textContent = text;
    note.hidden = false;
    count(-1);
  } else {
    alarm("refused", text);
    if (!anyForm()) look();
  }
}

// What the server says comes next, against what stands here.
function apply(body, quiet = false) {
  const today = document.querySelector("[data-today]");
  const waiting = Store.outbox.seats();
  if (body.progress) {
    today.textContent = body.progress.today + [...waiting].filter(Boolean).length;
    document.getElementById("today-bar").value = Number(today.textContent);
  }
  if (body.notice && !quiet) toast(body.notice);
  const ahead = formOf(body.ahead);
  const shown = seatForm();
  const { current } = body;
  if (current.slot === null) {
    state.ahead = null;
    if (![...waiting].filter(Boolean).length) show(parse(current.html));
    lookAgainLater();
    return;
  }
  if (waiting.has(String(current.slot))) {
    state.ahead = ahead;
    if (stage.dataset.busy && ahead) show(takeAhead());
    return;
  }
  state.ahead = ahead && !waiting.has(ahead.dataset.seat) ? ahead : null;
  if (shown && shown.dataset.seat === String(current.slot) && shown.dataset.fence === String(current.fence)) return;
  const form = formOf(current);
  if (shown) saveDraft(shown);
  if (form) show(form);
  else look();
}

async function look(quiet = false) {
  if (!quiet && !stage.dataset.busy && !seatForm()) busy();
  const shown = seatForm();
  const { status, body } = await Store.post(stage.dataset.next, [["have", have()]]);
  if (status === 200) {
    calm("unsent");
    if (quiet && body.current.slot === null && !seatForm()) return lookAgainLater();
    if (shown && shown !== seatForm()) return; // something else came meanwhile
    return apply(body, true);
  }
  if (status === 401) alarm("login", words.login, loginLink());
  if (!seatForm()) lookAgainLater();
}

function lookAgainLater() {
  clearTimeout(state.looking);
  if ($("[data-look-again]") || stage.dataset.busy) state.looking = setTimeout(() => look(true), LOOK_MS);
}

async function undo() {
  const last = state.last;
  if (!last || Date.now() > last.until) return;
  const shown = seatForm();
  if (shown) await saveDraft(shown);
  const waiting = Store.outbox.get(last.id);
  if (waiting && !waiting.sent) {
    Store.outbox.drop(last.id);
    state.last = null;
    count(-1);
    last.form._gone = false;
    last.form.elements.key.value = `${last.key.slice(0, 50)}-${Math.random().toString(36).slice(2, 10)}`;
    if (shown) state.ahead = shown;
    show(last.form);
    return touched(last.form);
  }
  if (waiting && state.sending) await Promise.race([state.sending, new Promise((done) => setTimeout(done, UNDO_MS))]);
  if (!last.label || last.mayUndo === false) return;
  state.last = null;
  state.pieces.clear();
  const { status, body } = await Store.post(stage.dataset.undo.replace("/0/", `/${last.label}/`), []);
  if (status === 200) apply(body);
  else toast(body.error ?? words.offline);
}

// Forms between two tasks: show the verdict, go on after an explanation, take a label back.
async function between(form) {
  if (stage.dataset.busy) return;
  if (form.matches("[data-go-on]")) { waitOnStage(); return look(); }
  busy();
  const { status, body } = await Store.post(form.action, [["have", have()]]);
  delete stage.dataset.busy;
  stage.removeAttribute("aria-busy");
  if (status === 200) apply(body);
  else toast(body.error ?? words.offline);
}

async function setAside(form, button) {
  const skipping = button.hasAttribute("data-skip");
  const reason = form.querySelector("[name=reason]:checked");
  if (skipping) {
    $("[data-skip-missing]", form).hidden = Boolean(reason);
    if (!reason) return;
  }
  const note = form.elements.note.value;
  const { status, body } = await Store.post(button.formAction, [["fence", form.dataset.fence], ["reason", reason?.value ?? ""], ["note", note], ["have", have()]]);
  if (status !== 200) return toast(body.error ?? (status === 401 ? words.login : words.offline));
  $$("details.other-act", form).forEach((fold) => { fold.open = false; });
  if (!skipping) {
    form.elements.note.value = "";
    stage.focus({ preventScroll: true });
    return toast(body.notice);
  }
  drop(form);
  state.pieces.delete(nameOf(form));
  state.last = null;
  apply(body);
}

// ---- the lease ----

async function beat() {
  if (Date.now() - state.touchedAt > Number(stage.dataset.lease) * 60_000) return; // nobody is here: let it run out
  for (const form of [seatForm(), state.ahead]) {
    if (!form || form._gone || state.lost.has(nameOf(form))) continue;
    const { status } = await Store.post(form.dataset.renew, [["fence", form.dataset.fence]]);
    if (status !== 409 || form._gone) continue;
    if (form === state.ahead) {
      state.pieces.delete(nameOf(form));
      state.ahead = null;
      look(true);
    } else if (form === seatForm()) {
      state.lost.add(nameOf(form));
      alarm("lost", words.lost);
    }
  }
}

function leave() {
  for (const form of [seatForm(), state.ahead]) {
    if (!form || form._gone) continue;
    if (form._dirty) Store.beacon(form.dataset.draft, fieldsOf(form));
    else Store.beacon(form.dataset.leave, [["fence", form.dataset.fence]]);
  }
}

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
  if (key === "r") { form.elements.rationale.focus(); return true; }
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
  if (event.target.matches("textarea[name=rationale], input[name^=clause_]")) touched(event.target.form);
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
flush();
if (seatForm() && !Store.outbox.ids().length) look(true);
lookAgainLater();
setInterval(beat, BEAT_MS);
