// The few things HTML alone does not do. Every page works without this file.
(() => {
  "use strict";

  // Show and hide a password.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    if (!button) return;
    const field = document.getElementById(button.dataset.reveal);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    button.setAttribute("aria-label", shown ? "Hide password" : "Show password");
  });

  // Menus close when something else is clicked, and with Escape.
  const menus = () => document.querySelectorAll("details.me[open], details.top-menu[open]");
  document.addEventListener("click", (event) => {
    menus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menus().forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  });

  // A request that failed says so; the next one that works takes the note away.
  const trouble = () => document.getElementById("trouble");
  const show = (isShown) => { const note = trouble(); if (note) note.hidden = !isShown; };
  document.addEventListener("htmx:responseError", () => show(true));
  document.addEventListener("htmx:sendError", () => show(true));
  document.addEventListener("htmx:afterOnLoad", () => show(false));

  // The filter of the invoices also filters the download.
  document.addEventListener("htmx:pushedIntoHistory", () => {
    const link = document.querySelector("[data-follows-filter]");
    if (link) link.search = location.search;
  });
})();
