// The page of a declaration: a file may be dropped on it, how far an upload has come is shown, and a file that was only
// checked stays chosen. Without this script the buttons do the same.
(() => {
  "use strict";
  const form = document.getElementById("upload"), file = document.getElementById("f-file"), drop = document.getElementById("drop");
  const progress = document.getElementById("progress"), bar = progress.querySelector("progress"), word = progress.querySelector("p");
  const result = document.getElementById("result");
  let running = false;

  const say = (text) => {
    const banner = document.createElement("p");
    banner.className = "banner bad";
    banner.setAttribute("role", "alert");
    banner.textContent = text;
    result.replaceChildren(banner);
    result.focus();
  };
  const done = () => { running = false; progress.hidden = true; };

  const shows = (page) => {
    const answer = new DOMParser().parseFromString(page, "text/html"), next = answer.getElementById("result");
    if (!next) { // it is busy, or there were too many: it says so itself
      const words = answer.querySelector("main");
      say(words ? words.textContent.trim() : form.dataset.failed);
      return;
    }
    result.replaceChildren(...next.childNodes);
    result.focus();
    result.scrollIntoView({ block: "start" });
  };

  form.addEventListener("submit", (event) => {
    const act = event.submitter ? event.submitter.value : "file";
    if (act !== "file" && act !== "check") return;
    event.preventDefault();
    if (running) return;
    if (file.files.length && file.files[0].size > Number(form.dataset.max) * 1048576) { say(form.dataset.large); return; }
    running = true;
    const body = new FormData(form), request = new XMLHttpRequest();
    body.set("act", act);
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (e) => { if (e.lengthComputable) bar.value = 100 * e.loaded / e.total; });
    request.addEventListener("load", () => {
      done();
      if (new URL(request.responseURL).pathname.includes("/sent/")) location.assign(request.responseURL);
      else shows(request.responseText);
    });
    request.addEventListener("error", () => { done(); say(form.dataset.failed); });
    bar.value = 0;
    word.textContent = form.dataset.busy;
    progress.hidden = false;
    request.send(body);
  });

  const over = (on) => (event) => {
    if (!event.dataTransfer || !Array.from(event.dataTransfer.types).includes("Files")) return;
    event.preventDefault();
    drop.classList.toggle("over", on);
  };
  drop.addEventListener("dragover", over(true));
  drop.addEventListener("dragleave", over(false));
  drop.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) file.files = event.dataTransfer.files;
  });
})();
