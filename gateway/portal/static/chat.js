// The web chat: one socket, frames of JSON. What is not acknowledged is sent again after a reconnect with the same id,
// and the server replays what came after the last number seen: nothing is lost, nothing is shown twice.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const talk = $("talk"), log = $("log"), state = $("state"), form = $("say"), text = $("text");
  const words = talk.dataset;
  const keep = {
    get: (k) => { try { return localStorage.getItem("gatehouse." + k) || ""; } catch { return ""; } },
    set: (k, v) => { try { localStorage.setItem("gatehouse." + k, v); } catch { /* private mode: this page alone */ } },
  };
  let session = keep.get("session"), last = 0, socket = null, pause = 500, ready = false, rest = 0;
  const waiting = new Map(); // id → text, not acknowledged yet
  const maxOwn = 100;
  let own = []; // the person's words in order: {id, after: last seq before them, text, label, stored}
  let shown = 0; // of own
  try { own = JSON.parse(keep.get("own") || "[]").slice(-maxOwn); } catch { own = []; }
  const keepOwn = () => keep.set("own", JSON.stringify(own.slice(-maxOwn)));

  // catchUp shows the own words that come before message seq, after a reload.
  const catchUp = (seq) => {
    while (shown < own.length && own[shown].after < seq) {
      const m = own[shown++];
      bubble("you", m.label || m.text);
      if (!m.stored) waiting.set(m.id, m.text);
    }
  };

  const bubble = (who, body) => {
    const b = document.createElement("div");
    b.className = who === "you" ? "bubble mine" : "bubble";
    const name = document.createElement("span");
    name.className = "hidden-text";
    name.textContent = (who === "you" ? words.you : words.us) + ": ";
    const p = document.createElement("div");
    p.dir = "auto";
    p.textContent = body;
    b.append(name, p);
    log.append(b);
    log.scrollTop = log.scrollHeight;
    return b;
  };

  const show = (m) => {
    if (m.seq <= last) return;
    if (!last && !shown && m.seq > 1) { // what came before is shown here no more, after LOGOUT for one; nor are the words to it
      own = own.filter((o) => !o.stored || o.after >= m.seq - 1);
      keepOwn();
    }
    catchUp(m.seq);
    last = m.seq;
    const b = bubble("us", m.text);
    if (m.source && m.source.url && /^https?:/.test(m.source.url)) {
      const a = document.createElement("a");
      a.href = m.source.url;
      a.textContent = words.source + ": " + (m.source.title || m.source.url);
      b.append(a);
    }
    if (m.options && m.options.length) {
      const row = document.createElement("div");
      row.className = "chips";
      for (const o of m.options) {
        const k = document.createElement("button");
        k.type = "button";
        k.textContent = o.label;
        k.addEventListener("click", () => { say(o.value, o.label); text.focus(); });
        row.append(k);
      }
      b.append(row);
    }
  };

  const newID = () => {
    const b = new Uint8Array(12);
    crypto.getRandomValues(b);
    return Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
  };

  const send = (id, body) => {
    if (ready && !rest) socket.send(JSON.stringify({ type: "message", id, text: body }));
  };

  const sendAll = () => { clearTimeout(rest); rest = 0; waiting.forEach((body, id) => send(id, body)); };

  // later sends what is not stored again in a moment, all of it and in order.
  const later = () => {
    state.textContent = words.late;
    if (!rest) rest = setTimeout(sendAll, 2000 + Math.random() * 1000);
  };

  const say = (body, label) => {
    const id = newID();
    catchUp(Infinity);
    own.push({ id, after: last, text: body, label: label || "", stored: false });
    shown = own.length;
    keepOwn();
    bubble("you", label || body);
    waiting.set(id, body);
    if (!ready || rest) state.textContent = words.late;
    send(id, body);
  };

  const heard = (m) => {
    switch (m.type) {
      case "welcome":
        if (m.session && m.session !== session) {
          if (session) { own = own.filter((o) => waiting.has(o.id)); shown = own.length; }
          session = m.session;
          keep.set("session", session);
        }
        own.filter((o) => !o.stored).forEach((o) => waiting.set(o.id, o.text));
        ready = true;
        pause = 500;
        state.textContent = "";
        sendAll();
        break;
      case "ack":
        waiting.delete(m.id);
        if (!waiting.size) state.textContent = "";
        own.filter((o) => o.id === m.id).forEach((o) => { o.stored = true; });
        keepOwn();
        break;
      case "message":
        show(m);
        break;
      case "error":
        if (m.code === "slow_down" || m.code === "busy") { later(); break; }
        waiting.delete(m.id);
        own.filter((o) => o.id === m.id).forEach((o) => { o.stored = true; }); // said no more after a reload
        keepOwn();
        state.textContent = m.text || m.code;
        break;
    }
  };

  const open = () => {
    const scheme = location.protocol === "https:" ? "wss://" : "ws://";
    socket = new WebSocket(scheme + location.host + "/chat/ws?lang=" + words.lang);
    socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "hello", session, after: last })));
    socket.addEventListener("message", (e) => { try { heard(JSON.parse(e.data)); } catch { /* not ours */ } });
    socket.addEventListener("close", () => {
      ready = false;
      state.textContent = words.lost;
      setTimeout(open, pause);
      pause = Math.min(pause * 2, 15000);
    });
  };

  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const body = text.value.trim();
    if (!body) return;
    text.value = "";
    say(body);
  });
  text.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); form.requestSubmit(); }
  });
  open();
})();
