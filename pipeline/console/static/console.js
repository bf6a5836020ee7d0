// Everything works without this module. It adds: rows that append, parts that come by themselves, live counts, the
// reader's time zone, copying, and keys.

const POLL_MS = 5000;
const MAX_TRIES = 5;
const PAUSE_MS = 1000;
const ZONE_COOKIE = "turnfold_zone";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);

/** Show the buttons that copy, where the browser lets pages copy. */
function showCopyButtons(root = document) {
  for (const button of all("[data-copy]", root)) button.hidden = !navigator.clipboard;
}

/** Fetch a page or a part of one; a login that has ended shows the login page. */
async function fetchHtml(url) {
  const response = await fetch(url, { headers: { accept: "text/html" } });
  if (response.status === 401) location.reload();
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  return { ok: response.ok, status: response.status, body: parsed.body };
}

/** Tell the server the reader's time zone, once: pages then have it from the start. */
function rememberZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const { zone: shown, zoneChosen } = document.body.dataset;
  if (!zone || !shown || shown === zone || zoneChosen !== undefined) return;
  if (document.cookie.split("; ").includes(`${ZONE_COOKIE}=${zone}`)) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${ZONE_COOKIE}=${zone}; path=/console; max-age=31536000; samesite=strict${secure}`;
  if (document.cookie.includes(`${ZONE_COOKIE}=${zone}`)) location.reload();
}

/** Load the parts of the page that were too slow for its first paint, one after the other: a key has few slots. */
async function loadParts() {
  const places = all("[data-load]");
  for (const place of places) place.setAttribute("aria-busy", "true");
  for (const place of places) {
    try {
      let answer = await fetchHtml(place.dataset.load);
      for (let tries = 1; answer.status === 429 && tries < MAX_TRIES; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, tries * PAUSE_MS));
        answer = await fetchHtml(place.dataset.load);
      }
      place.replaceWith(...answer.body.childNodes);
      showCopyButtons();
    } catch {
      place.removeAttribute("aria-busy"); // its link still leads to a page that waits for it
    }
  }
}

/** Append the rows of the next page instead of going there. */
async function appendRows(link) {
  link.setAttribute("aria-busy", "true");
  const { ok, body } = await fetchHtml(`${link.getAttribute("href")}&part=rows`);
  const rows = all("tbody > tr", body);
  if (!ok || rows.length === 0) {
    location.assign(link.href);
    return;
  }
  const first = Number(one("[data-first]")?.dataset.first ?? 1);
  one("#rows > tbody").append(...rows);
  showCopyButtons();
  one("#more").replaceWith(one("#more", body));
  const told = one("[data-shown]");
  if (told) told.textContent = told.dataset.next ? `shown: ${first}–${told.dataset.shown}` : `all ${told.dataset.shown} shown`;
  one("a", rows[0])?.focus();
}

/** Ask every few seconds, while the page is visible, how many rows came since; tell it only where it changed. */
function pollNewer() {
  const place = one("[data-poll]");
  if (!place) return;
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const { ok, body } = await fetchHtml(place.dataset.poll);
      if (ok && body.textContent.trim() !== place.textContent.trim()) place.replaceChildren(...body.childNodes);
    } catch {
      // the server is away for a moment; the next question may be answered
    }
  }, POLL_MS);
}

function onClick(event) {
  const more = event.target.closest("a[data-more]");
  if (more && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    appendRows(more);
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const text = copy.dataset.copy || one("pre", copy.parentElement).textContent;
    navigator.clipboard.writeText(text).then(() => { copy.textContent = "copied"; });
  }
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
}

/** Choose `between` where a reader sets one of its times. */
function onInput(event) {
  if (!event.target.matches("form.bar input[type=datetime-local]")) return;
  one("form.bar input[name=last][value=between]").checked = true;
}

/** Move the focus along the rows of the page. */
function moveRow(step) {
  const links = all("tbody th a, li.turn > a.at");
  const index = links.indexOf(document.activeElement);
  links[index < 0 && step < 0 ? links.length - 1 : index + step]?.focus();
}

const KEYS = {
  "/": () => (one("input[type=search]") ?? one("form.bar summary"))?.focus(),
  j: () => moveRow(1),
  k: () => moveRow(-1),
  "?": () => { const keys = one("#keys"); if (keys.open) keys.close(); else keys.showModal(); },
};

function onKey(event) {
  if (event.key === "Escape") {
    const menu = event.target.closest?.("details.menu[open]");
    if (menu) { menu.open = false; one("summary", menu).focus(); }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea")) return;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
}

rememberZone();
loadParts();
pollNewer();
showCopyButtons();
document.addEventListener("click", onClick);
document.addEventListener("input", onInput);
document.addEventListener("keydown", onKey);
