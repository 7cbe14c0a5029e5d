// Small comforts; every page works without them.
"use strict";
const typed = () => [...document.querySelectorAll("textarea, input:not([type=hidden])")].some((e) => e.value !== e.defaultValue);
for (const el of document.querySelectorAll("[data-until]")) {
  const until = Date.now() + 1000 * Number(el.dataset.until);
  const tick = () => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    el.textContent = String(left);
    if (left > 0) setTimeout(tick, 250);
    else if (!typed()) setTimeout(() => location.reload(), 1500); // what was typed is worth more than a fresh page
  };
  tick();
}
const token = document.querySelector("input[name=token]");
for (const box of document.querySelectorAll("[data-measure]")) {
  const out = document.getElementById(box.dataset.measure);
  let timer;
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const body = new URLSearchParams({token: token.value, text: box.value});
      const res = await fetch("/measure", {method: "POST", body});
      if (res.ok) out.textContent = await res.text();
    }, 300);
  });
}
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", () => setTimeout(() => {
    for (const b of form.querySelectorAll("button")) b.disabled = true;
  }, 0));
}
for (const first of document.querySelectorAll("[data-live]")) {
  let box = first;
  const look = async () => {
    const res = await fetch(location.href, {headers: {"Accept": "text/html"}}).catch(() => null);
    const fresh = res && res.ok && new DOMParser().parseFromString(await res.text(), "text/html").getElementById(box.id);
    if (fresh && fresh.innerHTML !== box.innerHTML) {
      box.replaceWith(fresh);
      box = fresh;
    }
    if (box.dataset.live) setTimeout(look, 1000 * Number(box.dataset.live));
  };
  setTimeout(look, 1000 * Number(box.dataset.live));
}
