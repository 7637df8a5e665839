// News from the daemon, for whatever on the page waits for them; guests that are dragged; keys.
(() => {
  "use strict";
  const CALM_MS = 1000; // parts of a page are asked for again so often at most
  const AGAIN_MS = 3000;
  const banner = document.getElementById("connection");

  let waiting = 0;
  const news = () => {
    if (waiting) return;
    waiting = setTimeout(() => {
      waiting = 0;
      if (!document.querySelector(".vm-dragged")) htmx.trigger(document.body, "news");
    }, CALM_MS);
  };

  const connect = () => {
    const source = new EventSource("/api/v1/events");
    source.onopen = () => {
      banner.hidden = true;
      everything(); // what came between the page's making, or the last news, and now
    };
    source.onerror = () => {
      banner.hidden = false;
      if (source.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
      fetch("/api/v1/me").then((answer) => {
        if (answer.status === 401) location.reload();
        else setTimeout(connect, AGAIN_MS);
      }, () => setTimeout(connect, AGAIN_MS));
    };
    source.addEventListener("job", (event) => {
      document.dispatchEvent(new CustomEvent("vm:job", { detail: JSON.parse(event.data) }));
      news();
    });
    source.addEventListener("inventory", news);
    source.addEventListener("reset", everything);
  };
  const everything = () => {
    news();
    htmx.trigger(document.body, "reset");
  };

  document.body.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) location.reload();
  });

  // A guest that is dropped on a host: the plan of its way there.
  const card = (event) => event.target.closest?.("[data-host].vm-host");
  document.addEventListener("dragstart", (event) => {
    const guest = event.target.closest?.("[data-guest]");
    if (!guest) return;
    event.dataTransfer.setData("text/plain", guest.dataset.guest);
    event.dataTransfer.effectAllowed = "move";
    guest.classList.add("vm-dragged");
  });
  document.addEventListener("dragend", () => {
    for (const each of document.querySelectorAll(".vm-dragged, .vm-over")) each.classList.remove("vm-dragged", "vm-over");
  });
  document.addEventListener("dragover", (event) => {
    const host = card(event);
    if (!host || !document.querySelector(".vm-dragged")) return;
    event.preventDefault();
    for (const each of document.querySelectorAll(".vm-over")) if (each !== host) each.classList.remove("vm-over");
    host.classList.add("vm-over");
  });
  document.addEventListener("drop", (event) => {
    const host = card(event);
    const guest = document.querySelector(".vm-dragged");
    if (!host || !guest) return;
    event.preventDefault();
    if (host.contains(guest)) return;
    location.href = `/guests/${encodeURIComponent(guest.dataset.guest)}?to=${encodeURIComponent(host.dataset.host)}`;
  });

  // "/" is the search, where there is one.
  document.addEventListener("keydown", (event) => {
    const search = document.getElementById("search");
    if (event.key !== "/" || !search || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    event.preventDefault();
    search.focus();
  });

  connect();
})();
