// Spares the reload: keeps the living parts of a page fresh, and sends its forms in the background.
"use strict";

const every = 800; // ms between two looks for news
let seen = "";
let sticks = true; // the reader is at the end of the thread, and stays there as it grows

// merge makes list hold what fresh holds, touching only what differs, so that a reader's place and focus stay.
function merge(list, fresh) {
  const have = new Map([...list.children].map((e) => [e.id, e]));
  for (const [i, e] of [...fresh.children].entries()) {
    const old = have.get(e.id);
    have.delete(e.id);
    if (!old) {
      list.insertBefore(e, list.children[i] || null);
    } else if (old.outerHTML !== e.outerHTML) {
      const held = old.contains(document.activeElement) ? document.activeElement.value : null;
      old.replaceWith(e);
      if (held !== null) [...e.querySelectorAll("button")].find((b) => b.value === held)?.focus();
    }
  }
  for (const gone of have.values()) gone.remove();
}

async function look(url) {
  const answer = await fetch(url, { headers: seen ? { "If-None-Match": seen } : {}, cache: "no-store" });
  if (answer.status !== 200) return;
  seen = answer.headers.get("ETag") || "";
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next) merge(part, next);
  }
  stick();
}

function stick() {
  const scroller = document.querySelector('.scroller[role="log"]');
  if (scroller && sticks) scroller.scrollTop = scroller.scrollHeight;
}

document.querySelector('.scroller[role="log"]')?.addEventListener("scroll", (e) => {
  const s = e.target;
  sticks = s.scrollHeight - s.scrollTop - s.clientHeight < 40;
});
document.addEventListener("load", stick, true); // a picture came in and made the thread longer

async function send(form, submitter) {
  const fault = document.getElementById("fault");
  const data = new FormData(form, submitter);
  if (submitter) submitter.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "application/json" } });
    const text = answer.ok ? "" : await answer.text();
    if (fault) {
      fault.textContent = text;
      fault.hidden = answer.ok;
    }
    if (answer.ok) {
      form.reset();
      form.querySelector(".attach")?.classList.remove("full");
      sticks = true;
      await look(document.body.dataset.poll);
    }
  } catch {
    if (fault) {
      fault.textContent = "The stand-in carriers do not answer. Are they running?";
      fault.hidden = false;
    }
  } finally {
    if (submitter) submitter.disabled = false;
    form.querySelector("textarea")?.focus();
  }
}

document.addEventListener("submit", (e) => {
  if (!("script" in e.target.dataset)) return;
  e.preventDefault();
  send(e.target, e.submitter);
});

document.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.shiftKey || e.isComposing || !("enter" in e.target.dataset)) return;
  e.preventDefault();
  e.target.form.requestSubmit(e.target.form.querySelector("button.primary"));
});

document.addEventListener("change", (e) => {
  if (e.target.type !== "file") return;
  const label = e.target.closest(".attach");
  label?.classList.toggle("full", e.target.files.length > 0);
  if (label) label.title = [...e.target.files].map((f) => f.name).join(", ") || label.title;
});

if (document.body.dataset.poll) {
  stick();
  const again = async () => {
    try {
      if (!document.hidden) await look(document.body.dataset.poll);
    } catch {
      // the carriers are away for a moment; the next look finds them
    }
    setTimeout(again, every);
  };
  again();
}
