// Labels leave, the next task comes; what was claimed is held while somebody is here.
"use strict";

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
  if (form._inFlight) state.after.set(key, form._inFlight);
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
  } else {
    document.getElementById("toasts").replaceChildren();
    waitOnStage();
  }
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
  state.sending ??= drain().finally(() => { state.sending = null; });
  return state.sending;
}

async function drain() {
  await null; // so that whoever called has noted that this runs
  let pause = 0;
  for (let id = Store.outbox.ids()[0]; id; id = Store.outbox.ids()[0]) {
    const entry = Store.outbox.get(id);
    if (!entry) { Store.outbox.drop(id); continue; }
    await state.after.get(entry.key); // a draft under way must not arrive after its label
    entry.sent = true;
    const { status, body } = await Store.post(entry.url, [...entry.fields, ["have", have()]]);
    if (status === 200) {
      Store.outbox.drop(id);
      calm("unsent");
      calm("login");
      arrived(entry, body);
    } else if (status === 0 || status === 401 || status === 429 || status >= 500) {
      if (status === 401) alarm("login", words.login, loginLink());
      else alarm("unsent", status ? words.failed : words.unsent.replace("{}", Store.outbox.ids().length));
      pause = Math.min(pause * 2 || 1000, 20_000);
      await new Promise((done) => { state.wake = done; setTimeout(done, pause); });
    } else {
      Store.outbox.drop(id);
      refusedBy(entry, body);
    }
  }
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
  if (shown) {
    await shown._inFlight;
    await saveDraft(shown);
  }
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
  if (!last.label) return toast(words.offline);
  if (last.mayUndo === false) return;
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
