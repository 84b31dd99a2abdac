// The theme's searching selects have no name that a screen reader could say: they get that of the field they stand for.
"use strict";

function nameSelects() {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const shown = select.nextElementSibling?.querySelector(".select2-selection__rendered");
    const label = select.labels?.[0]?.innerText.trim();
    if (shown) shown.setAttribute("aria-label", label || select.name.split("-").pop().replaceAll("_", " "));
  }
}

// The theme makes them at moments of its own, also for rows that are added later.
new MutationObserver(nameSelects).observe(document.documentElement, { childList: true, subtree: true });
document.addEventListener("DOMContentLoaded", nameSelects);

// The theme looks for a text field of its own beside each file field, to show the chosen name in; ours show it themselves.
document.addEventListener("DOMContentLoaded", () => {
  for (const field of document.querySelectorAll(".tl-form input[type=file]")) field.hasChangeListener = true;
});
