// Nothing that an expert wrote is lost: labels wait in an outbox until the site has them, drafts are kept on the
// server and, until it has them, here. All keys carry the user's number: others may sit at the same computer.
"use strict";

const Store = (() => {
  const stage = document.getElementById("stage");
  const user = stage.dataset.user;
  const OUT = `medes:out:${user}:`;
  const DRAFT = `medes:draft:${user}:`;
  const WEEK = 7 * 24 * 3600 * 1000;

  const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

  // Whose page this is goes along: in the session of somebody else who logged in meanwhile nothing may be refused
  // that its writer would still send.
  function bodyOf(fields) {
    const body = new FormData();
    for (const [name, value] of fields) if (name !== "csrfmiddlewaretoken") body.append(name, value);
    body.append("user", user);
    return body;
  }

  // {status, body}; status 0: it did not arrive, 401: one is logged out, or somebody else is logged in. The token
  // comes from the cookie: a page that stood open over a new login would send an old one.
  async function post(url, fields) {
    const body = bodyOf(fields);
    let response;
    try {
      response = await fetch(url, {
        method: "POST", body, redirect: "manual", credentials: "same-origin",
        headers: { Accept: "application/json", "X-CSRFToken": cookie("csrftoken") },
      });
    } catch {
      return { status: 0, body: {} };
    }
    if (response.type === "opaqueredirect") return { status: 401, body: {} };
    if (response.status === 204) return { status: 204, body: {} };
    try {
      return { status: response.status, body: await response.json() };
    } catch {
      return { status: response.status === 403 ? 401 : response.status < 400 ? 502 : response.status, body: {} };
    }
  }

  // While the page closes: no answer can be read any more.
  function beacon(url, fields) {
    const body = bodyOf(fields);
    body.append("csrfmiddlewaretoken", cookie("csrftoken"));
    body.append("as", "json");
    navigator.sendBeacon(url, body);
  }

  function keep(key, value) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false; // full, or forbidden: the page's memory has it still
    }
  }

  function load(key) {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  function forget(key) {
    try {
      localStorage.removeItem(key);
    } catch { /* nothing was kept then */ }
  }

  function keys(prefix) {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(prefix)).sort();
    } catch {
      return [];
    }
  }

  const memory = new Map(); // the outbox of this window, where localStorage fails

  const outbox = {
    put(entry) {
      const id = `${OUT}${String(Date.now()).padStart(15, "0")}:${entry.key}`;
      memory.set(id, entry);
      keep(id, entry);
      return id;
    },
    ids: () => [...new Set([...keys(OUT), ...memory.keys()])].sort(),
    get: (id) => memory.get(id) ?? load(id),
    drop(id) {
      memory.delete(id);
      forget(id);
    },
    seats: () => new Set(outbox.ids().map((id) => outbox.get(id)?.seat)),
  };

  const backup = {
    put: (seat, value) => keep(DRAFT + seat, { ...value, at: Date.now() }),
    get: (seat) => load(DRAFT + seat),
    drop: (seat) => forget(DRAFT + seat),
    tidy() {
      for (const key of keys(DRAFT)) if (Date.now() - (load(key)?.at ?? 0) > WEEK) forget(key);
    },
  };

  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`medes-labelling:${user}`) : null;

  return { post, beacon, outbox, backup, channel };
})();
