// A form that was begun elsewhere: what is filled in is kept as it is filled in, and when the page is left. Without this
// script the buttons do the same.
(() => {
  "use strict";
  const form = document.getElementById("form"), was = form.elements.was;
  let dirty = false, sending = false, timer = 0, turn = 0;

  const body = () => {
    const data = new FormData(form);
    for (const [name, value] of Array.from(data)) if (value instanceof File) data.delete(name); // files go with the button
    data.set("act", "save");
    data.set("turn", String(++turn)); // an answer that is changed back is a new one
    return data;
  };

  const save = async () => {
    clearTimeout(timer);
    if (!dirty || sending) return;
    dirty = false;
    sending = true;
    try {
      const reply = await fetch(form.action, { method: "POST", body: body() });
      if (reply.ok) was.value = (await reply.json()).was;
      else dirty = true;
    } catch { dirty = true; }
    sending = false;
  };

  form.addEventListener("change", () => { dirty = true; clearTimeout(timer); timer = setTimeout(save, 400); });
  form.addEventListener("submit", () => { dirty = false; });
  addEventListener("pagehide", () => { if (dirty) navigator.sendBeacon(form.action, body()); });
})();
