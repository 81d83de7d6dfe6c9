// The desk for returns. What is handed in goes into a queue in this browser first and is sent from there, under the
// number of its form, until the server has taken or refused it: a dead spot costs nothing.
"use strict";
(() => {
  const T = JSON.parse(document.querySelector("meta[name=texts]").content);
  const word = document.querySelector("meta[name=form-word]").content;
  const view = document.getElementById("view");
  const RETRY_MS = 3000, REFRESH_MS = 10000, TRY_MS = 20000, LONGEST_SIDE = 1600;
  let todo = { cases: [], places: [] }, open = null, memory = [], db = null, sending = false, loggedOut = false, listed = false;

  const say = (name, values = {}) => T[name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  const el = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value != null) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child != null));
    return made;
  };
  const number = () => (crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, "0")).join(""));
  const tell = (words, well = false) => {
    const said = document.getElementById("said");
    said.textContent = words;
    said.className = well ? "well" : "";
  };

  // The queue: IndexedDB, or this page's memory where a browser has none.
  const opened = new Promise((done) => {
    try {
      const asked = indexedDB.open("pda", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("queue", { keyPath: "nonce" });
      asked.onsuccess = () => { db = asked.result; done(); };
      asked.onerror = () => done();
    } catch { done(); }
  });
  const inStore = (mode, work) => new Promise((done, fail) => {
    const transaction = db.transaction("queue", mode);
    const asked = work(transaction.objectStore("queue"));
    transaction.oncomplete = () => done(asked.result);
    transaction.onerror = () => fail(transaction.error);
    transaction.onabort = () => fail(transaction.error);
  });
  const put = async (item) => {
    await opened;
    if (db) return inStore("readwrite", (store) => store.put(item));
    memory = [...memory.filter((one) => one.nonce !== item.nonce), item];
  };
  const drop = async (nonce) => {
    await opened;
    if (db) return inStore("readwrite", (store) => store.delete(nonce));
    memory = memory.filter((one) => one.nonce !== nonce);
  };
  const waiting = async () => {
    await opened;
    const all = db ? await inStore("readonly", (store) => store.getAll()) : memory;
    return [...all].sort((a, b) => a.at - b.at);
  };

  const net = (up) => {
    const shown = document.getElementById("net");
    shown.className = up ? "" : "off";
    shown.textContent = loggedOut ? T.login : up ? T.online : T.offline;
    if (loggedOut) shown.append(" ", el("a", { href: "/login?next=/pda", class: "button" }, T.log_in));
  };
  const showQueue = async () => {
    const items = await waiting();
    const shown = document.getElementById("queue");
    shown.textContent = items.length ? say("waiting", { n: items.length }) : "";
    document.querySelectorAll(".refused").forEach((one) => one.remove());
    for (const item of items.filter((one) => one.refused)) {
      const discard = el("button", { type: "button", onclick: async () => { await drop(item.nonce); showQueue(); } }, T.discard);
      view.before(el("div", { class: "refused" }, say("refused", { no: item.body.no || item.body.waybill_no, words: item.refused }), " ", discard));
    }
  };
  const ask = async (path, options = {}) => {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), TRY_MS);
    try { return await fetch(path, { ...options, redirect: "manual", signal: patience.signal }); }
    finally { clearTimeout(timer); }
  };
  const send = async () => {
    if (sending) return;
    sending = true;
    try {
      for (const item of (await waiting()).filter((one) => !one.refused)) {
        const body = JSON.stringify({ ...item.body, nonce: item.nonce, form: word });
        const answer = await ask(item.path, { method: "POST", headers: { "content-type": "application/json" }, body });
        if (answer.type === "opaqueredirect" || answer.status === 401) { loggedOut = true; net(true); break; }
        if (answer.status >= 500) { net(true); break; }
        const told = await answer.json();
        if (answer.ok) {
          await drop(item.nonce);
          tell(say(told.fresh ? "sent" : "again", { no: item.body.no || item.body.waybill_no }), true);
        } else await put({ ...item, refused: T[told.words] || told.words });
        loggedOut = false;
        net(true);
      }
    } catch { net(false); } finally { sending = false; showQueue(); }
  };
  const refresh = async () => {
    try {
      const answer = await ask("/pda/api/todo");
      if (answer.type === "opaqueredirect" || answer.status === 401) { loggedOut = true; net(true); return; }
      if (!answer.ok) return;
      todo = await answer.json();
      listed = true;
      try { localStorage.setItem("pda.todo", JSON.stringify(todo)); } catch { /* full: the list lives in memory */ }
      loggedOut = false;
      net(true);
      if (!open) await drawList();
    } catch { net(false); }
  };

  // A wrong scan stops the hands: colour over the whole screen, sound, vibration.
  const noise = () => {
    if (navigator.vibrate) navigator.vibrate([300, 100, 300]);
    try {
      const audio = new AudioContext();
      [0, 0.25, 0.5].forEach((at) => {
        const tone = audio.createOscillator();
        tone.type = "square";
        tone.frequency.value = 420;
        tone.connect(audio.destination);
        tone.start(audio.currentTime + at);
        tone.stop(audio.currentTime + at + 0.18);
      });
    } catch { /* no sound here: colour and vibration remain */ }
  };
  const stop = (words, ...more) => {
    const shown = document.getElementById("stop");
    const close = () => { shown.hidden = true; shown.replaceChildren(); view.querySelector("input")?.focus(); };
    const buttons = more.map(([text, act]) => el("button", { type: "button", onclick: () => { close(); act(); } }, text));
    const first = el("button", { type: "button", onclick: close }, T.stop);
    shown.replaceChildren(el("p", {}, words), first, ...buttons);
    shown.hidden = false;
    first.focus();
    noise();
  };

  const scanner = (words, found) => {
    const input = el("input", { id: "scan", autocomplete: "off", autocapitalize: "characters", placeholder: words, "aria-label": words, enterkeyhint: "go" });
    return el("form", { onsubmit: (event) => {
      event.preventDefault();
      const code = input.value.trim();
      input.value = "";
      if (code) found(code);
    } }, input);
  };
  const drawList = async () => {
    open = null;
    const handed = new Set((await waiting()).map((item) => item.body.no));
    const cases = todo.cases.filter((one) => !handed.has(one.no));
    const cards = cases.map((one) => el("button", { type: "button", class: "card", "data-no": one.no, onclick: () => sheet(one) },
      el("strong", {}, one.no), el("span", { class: "faint" }, `${one.place || one.warehouse || ""} · ${one.order_no} · ${one.waybill_no || "—"}`)));
    const typed = document.activeElement && document.activeElement.id === "scan" ? document.activeElement.value : "";
    view.replaceChildren(scanner(T.scan, find), ...(cards.length ? cards : [el("p", { class: "faint" }, T.empty)]));
    const input = view.querySelector("input");
    input.value = typed;
    input.focus();
  };
  const find = async (code) => {
    if (!listed) await refresh(); // a scan that is faster than the first list is no wrong scan
    const same = (text) => text && text.toUpperCase() === code.toUpperCase();
    const one = todo.cases.find((it) => same(it.no) || same(it.waybill_no) || same(it.order_no));
    if (one) return sheet(one);
    const stray = todo.places.length ? [[T.stray, () => sheet({ stray: true, no: "", waybill_no: code.toUpperCase(), lines: [] })]] : [];
    stop(say("no_match", { code }), ...stray);
  };
  const sheet = (one) => {
    open = { one, photo: null, lines: one.lines.map((line) => ({ ...line, good: 0, damaged: 0 })) };
    tell("");
    drawSheet();
  };
  const scanSku = (code) => {
    const line = open.lines.find((it) => it.sku.toUpperCase() === code.toUpperCase());
    const add = () => { open.lines.push({ sku: code, title: "", quantity: 0, good: 1, damaged: 0, extra: true }); drawSheet(); };
    if (line) { line.good += 1; return drawSheet(); }
    if (open.one.stray) return add();
    stop(say("wrong", { code }), [T.add, add]);
  };
  const counter = (line, kind) => {
    const shown = el("output", { "data-count": `${line.sku} ${kind}` }, String(line[kind]));
    const step = (by) => () => { line[kind] = Math.max(0, line[kind] + by); shown.textContent = String(line[kind]); };
    const button = (by, text) => el("button", { type: "button", "aria-label": `${line.sku} ${T[kind]} ${text}`, onclick: step(by) }, text);
    return el("div", { class: `count ${kind}` }, el("span", {}, T[kind]), button(-1, "−"), shown, button(1, "+"));
  };
  const drawSheet = () => {
    const one = open.one;
    const lines = open.lines.map((line) => el("div", { class: line.extra ? "line extra" : "line" }, el("strong", {}, line.sku), " ", line.title || "",
      el("div", { class: "faint" }, say("planned", { n: line.quantity })), counter(line, "good"), counter(line, "damaged")));
    const note = el("textarea", { id: "note", rows: "2", placeholder: T.note, "aria-label": T.note });
    note.value = open.note || "";
    note.addEventListener("input", () => { open.note = note.value; });
    const file = el("input", { type: "file", accept: "image/*", capture: "environment", onchange: async () => {
      if (file.files[0]) { open.photo = await shrink(file.files[0]); drawSheet(); }
    } });
    const place = el("select", { id: "place", "aria-label": T.place }, ...todo.places.map(([code, name]) => el("option", { value: code }, name)));
    view.replaceChildren(
      el("button", { type: "button", onclick: drawList }, T.back),
      el("h2", {}, one.stray ? `${T.stray_title} ${one.waybill_no}` : one.no),
      el("p", { class: "faint" }, one.stray ? "" : `${one.order_no} · ${one.waybill_no || "—"}${one.waiting ? " · " + say("here", { n: one.waiting }) : ""}`),
      one.stray ? place : null, scanner(T.scan_sku, scanSku), ...lines,
      one.stray ? null : note, one.stray ? null : el("label", { class: "button" }, open.photo ? T.photo_taken : T.photo, file),
      el("button", { type: "button", class: "primary", id: "submit", onclick: submit }, one.stray ? T.submit_stray : T.submit));
    view.querySelector("#scan").focus();
  };
  // Phones take photos of many megabytes: a smaller one is sent sooner and shows as much.
  const shrink = async (file) => {
    try {
      const picture = await createImageBitmap(file);
      const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
      const canvas = el("canvas", { width: String(Math.round(picture.width * scale)), height: String(Math.round(picture.height * scale)) });
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL("image/jpeg", 0.85);
    } catch {
      return new Promise((done) => { const reader = new FileReader(); reader.onload = () => done(reader.result); reader.readAsDataURL(file); });
    }
  };
  const submit = async () => {
    const lines = open.lines.filter((line) => line.good + line.damaged > 0)
      .map(({ sku, good, damaged }) => ({ sku, good, damaged, note: damaged ? open.note || "" : "" }));
    if (!lines.length) return stop(T.nothing);
    const one = open.one;
    const body = one.stray ? { waybill_no: one.waybill_no, place: view.querySelector("#place").value, lines }
      : { no: one.no, waybill_no: one.waybill_no || "", lines, photo: open.photo };
    await put({ nonce: number(), at: Date.now(), path: one.stray ? "/pda/api/strays" : "/pda/api/inspections", body });
    await drawList();
    await showQueue();
    await send();
    refresh();
  };

  try { todo = JSON.parse(localStorage.getItem("pda.todo")) || todo; listed = "pda.todo" in localStorage; } catch { /* nothing kept */ }
  window.addEventListener("online", () => { send(); refresh(); });
  window.addEventListener("offline", () => net(false));
  setInterval(send, RETRY_MS);
  setInterval(refresh, REFRESH_MS);
  drawList().then(showQueue).then(send).then(refresh);
})();
