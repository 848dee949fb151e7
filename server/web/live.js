// Keeps the page up to date: /feed sends its two parts as HTML.
"use strict";

const live = document.getElementById("live");
const table = document.getElementById("table");

// selecting says whether a person marks or reads something in the table, which an update
// would take away.
function selecting() {
  const selection = getSelection();
  return !selection.isCollapsed && table.contains(selection.anchorNode);
}

function put(part, html) {
  if (part && part.innerHTML !== html) {
    part.innerHTML = html;
  }
}

let queuesOpen = true;

const feed = new EventSource("feed" + location.search);

feed.onmessage = (event) => {
  const update = JSON.parse(event.data);
  put(document.getElementById("figures"), update.figures);
  if (table && !selecting()) {
    put(table, update.table);
    const queues = table.querySelector("details.queues");
    if (queues) {
      queues.open = queuesOpen;
      queues.addEventListener("toggle", () => { queuesOpen = queues.open; });
    }
  }
  live.textContent = "Live.";
  live.className = "";
};

feed.onerror = () => {
  live.textContent = feed.readyState === EventSource.CLOSED
    ? "Not live: the server does not send updates; reload to see what is new."
    : "Not live: the connection to the server is lost; trying again.";
  live.className = "error";
};
