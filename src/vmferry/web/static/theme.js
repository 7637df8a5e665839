// Before the page is drawn: dark where the system is, or as it was chosen here.
(() => {
  const root = document.documentElement;
  const set = (dark) => {
    root.classList.toggle("pf-v6-theme-dark", dark);
    root.style.colorScheme = dark ? "dark" : "light";
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("theme");
  const now = () => (chosen() ? chosen() === "dark" : system.matches);
  set(now());
  system.addEventListener("change", () => set(now()));
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      localStorage.setItem("theme", now() ? "light" : "dark");
      set(now());
      dispatchEvent(new Event("theme"));
    });
  });
})();
