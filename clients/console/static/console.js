// Keys, times in the viewer's zone, running countdowns, and presses that go to the server. Nothing is decided here.
(() => {
  "use strict";
  const skew = Number(document.querySelector('meta[name="steadfast-now"]')?.content || Date.now()) - Date.now();
  const now = () => Date.now() + skew;
  const two = (n) => String(n).padStart(2, "0");
  const HOT_MINUTES = 120;

  const lasting = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
    if (d) return `${d} 天 ${h % 24} 小时`;
    if (h) return `${h} 小时 ${m % 60} 分`;
    if (m) return m < 10 ? `${m} 分 ${s % 60} 秒` : `${m} 分`;
    return `${s} 秒`;
  };
  const local = (at) => {
    const day = `${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
    return at.getFullYear() === new Date(now()).getFullYear() ? day : `${at.getFullYear()}-${day}`;
  };
  const put = (node, words) => { if (node.textContent !== words) node.textContent = words; };
  const tick = () => {
    for (const node of document.querySelectorAll("time[datetime]")) put(node, local(new Date(node.dateTime)));
    for (const node of document.querySelectorAll("[data-since]")) put(node, lasting(now() - Date.parse(node.dataset.since)));
    for (const node of document.querySelectorAll("[data-until]")) {
      const left = Date.parse(node.dataset.until) - now();
      put(node, left < 0 ? `✕ 超时 ${lasting(-left)}` : `${left < HOT_MINUTES * 60000 ? "! " : ""}剩 ${lasting(left)}`);
      node.classList.toggle("bad", left < 0);
      node.classList.toggle("warn", left >= 0 && left < HOT_MINUTES * 60000);
    }
  };
  setInterval(tick, 1000);

  // A part that is drawn anew keeps the focus where it was.
  let focused = "";
  const name = (node) => node?.dataset?.key || node?.id || "";
  document.addEventListener("focusin", (event) => { focused = name(event.target); });
  document.addEventListener("focusout", (event) => { if (event.relatedTarget) focused = name(event.relatedTarget); });
  document.addEventListener("pointerdown", () => { focused = ""; });
  // What was typed into an entry that asks for it (data-keep) outlives a part that is drawn anew; until it is sent.
  const typed = new Map();
  document.addEventListener("input", ({ target }) => { if (target.dataset.keep !== undefined) typed.set(target.id, target.value); });
  const retype = () => {
    for (const [id, words] of typed) {
      const node = document.getElementById(id);
      if (node && node.value !== words) node.value = words;
    }
  };
  // A dialog that is open while its part is drawn anew opens again, with what was typed into it.
  let opened = null;
  const entries = (dialog) => [...dialog.querySelectorAll("input:not([type=file]), select, textarea")];
  const filled = (entry) => (entry.type === "checkbox" || entry.type === "radio" ? entry.checked : entry.value);
  const fill = (entry, value) => { entry[typeof value === "boolean" ? "checked" : "value"] = value; };
  const open = (dialog) => { dialog.showModal(); opened = { node: dialog, values: entries(dialog).map(filled) }; };
  const reopen = () => {
    if (!opened || opened.node.isConnected) return;
    const anew = opened.node.id && document.getElementById(opened.node.id), values = opened.values;
    opened = null;
    if (!anew || anew.open || entries(anew).length !== values.length) return;
    open(anew);
    entries(anew).forEach((entry, n) => { if (filled(entry) !== values[n]) fill(entry, values[n]); });
    opened.values = values;
  };
  const note = ({ target: entry }) => { if (opened?.node.contains(entry)) opened.values = entries(opened.node).map(filled); };
  document.addEventListener("input", note);
  document.addEventListener("change", note);
  document.addEventListener("close", (event) => { if (event.target === opened?.node) opened = null; }, true);
  const show = () => {
    if (!target || !document.getElementById(target)) return;
    document.getElementById(target).scrollIntoView();
    target = "";
  };
  const refocus = () => (inRow(focused) || document.getElementById(focused) || document.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
  const inRow = (id) => document.getElementById(id)?.closest("tr[data-row], .block")?.id === id
    ? document.getElementById(id).querySelector("input, select, textarea") : null;
  // Parts are drawn after the page has loaded: what the address points at is shown once it is there.
  let target = location.hash.slice(1);
  new MutationObserver(() => {
    tick();
    retype();
    reopen();
    mark();
    show();
    if (focused && document.activeElement === document.body) refocus();
  }).observe(document.documentElement, { childList: true, subtree: true });

  const rows = () => [...document.querySelectorAll(".main tbody tr a.open")];
  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((one) => one.closest("tr").contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
    next.focus();
    next.closest("tr").scrollIntoView({ block: "nearest" });
  };
  let leading = 0;
  const typing = (node) => node.matches?.("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      const row = event.target.closest?.("tr[data-row]");
      if (!row) return;
      event.preventDefault();
      const way = event.key === "ArrowUp" ? "up" : "down";
      const button = row.querySelector(`:scope > td [data-what="${way}"]`);
      if (button && !button.disabled) send({ ...button.dataset, focus: event.target.id });
      return;
    }
    if (event.key === "Escape") {
      if (document.querySelector("dialog[open]")) return;
      focused = "";
      document.activeElement.blur?.();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
    if (event.key === "/") {
      event.preventDefault();
      document.getElementById("search")?.select();
      document.getElementById("search")?.focus();
    } else if (Date.now() - leading < 1500) {
      leading = 0;
      document.querySelector(`nav a[data-go="${CSS.escape(event.key)}"]`)?.click();
    } else if (event.key === "g") leading = Date.now();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
  });

  // A press may send a form that it does not stand in: what was typed goes along and is never lost.
  const send = (given) => {
    const form = given.form && document.getElementById(given.form);
    window.emitEvent("act", { ...(form ? Object.fromEntries(new FormData(form)) : {}), ...given });
  };
  // A form that asks for it (data-warn) warns before what was typed is left; drawn anew, it stands as it is stored.
  let changed = "";
  const unsaved = () => { const form = document.querySelector("form[data-warn]"); return !!form && form.dataset.drawn === changed; };
  const mark = () => document.querySelector(".unsaved")?.toggleAttribute("hidden", !unsaved());
  document.addEventListener("input", ({ target }) => {
    const form = target.closest?.("form[data-warn]");
    if (form) { changed = form.dataset.drawn; mark(); }
  });
  document.addEventListener("change", ({ target }) => {
    const form = target.closest?.("form"), out = form?.querySelector("output[data-sum]");
    if (out) {
      const minor = [...form.querySelectorAll("option:checked")].reduce((sum, one) => sum + Number(one.dataset.minor || 0), 0);
      put(out, `${out.dataset.sum}${(minor / 100).toLocaleString("en-US", { minimumFractionDigits: 2 })}`);
    }
    const picked = target.closest?.("details.picked"), words = picked?.querySelector("summary");
    if (words) put(words, [...picked.querySelectorAll("input:checked")].map((one) => one.parentNode.textContent.trim()).join("、") || words.dataset.none);
  });
  window.addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-act], [data-dialog], [data-copy], [data-close]");
    if (!button || button.disabled || button.tagName === "FORM") return;
    if (button.dataset.dialog) {
      const dialog = document.getElementById(button.dataset.dialog);
      if (dialog) open(dialog);
      dialog?.querySelector("textarea, input:not([type=hidden]), button")?.focus();
    } else if (button.dataset.copy !== undefined) {
      const words = button.dataset.copy;
      try { await navigator.clipboard.writeText(words); } catch {
        const area = Object.assign(document.createElement("textarea"), { value: words });
        document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
      }
      put(button, "已复制 ✓");
    } else if (button.dataset.close !== undefined) button.closest("dialog")?.close();
    else {
      button.disabled = true;
      send({ ...button.dataset });
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-act]");
    if (!form) {
      if (event.target.dataset.warn !== undefined) event.preventDefault();
      return;
    }
    event.preventDefault();
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    send({ ...Object.fromEntries(new FormData(form)), act: form.dataset.act });
    for (const entry of form.querySelectorAll("[data-keep]")) typed.delete(entry.id);
    opened = null;
    form.closest("dialog")?.close();
  });
  window.steadfast = {
    alerts: (count) => {
      const node = document.getElementById("alert-count");
      if (node) put(node, count ? String(count) : "");
    },
    // Buttons that were switched off by a press come back when the answer is there.
    free: () => document.querySelectorAll("[data-act]:disabled:not([data-off]), form[data-act] button:disabled").forEach((one) => { one.disabled = false; }),
    // What is looked at after a part was drawn anew: a place to show, an entry or a row to go on in.
    look: (id) => { target = id; show(); },
    focus: (id) => { focused = id; refocus(); },
    zone: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
  document.cookie = `steadfast_zone=${encodeURIComponent(window.steadfast.zone())}; path=/; max-age=31536000; samesite=lax`;
})();
