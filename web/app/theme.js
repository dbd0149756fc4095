// SPDX-License-Identifier: MIT
// A classic script in the head, so that a dark page is dark from its first pixel on.
"use strict";
(() => {
  const key = "svchost.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem(key);

  function apply() {
    const dark = chosen() ? chosen() === "dark" : system.matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    document.dispatchEvent(new Event("themechange"));
  }

  // What the system says holds again as soon as it says what was chosen.
  function toggle() {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    if ((next === "dark") === system.matches) localStorage.removeItem(key);
    else localStorage.setItem(key, next);
    apply();
  }

  system.addEventListener("change", apply);
  window.theme = { toggle };
  apply();
})();
