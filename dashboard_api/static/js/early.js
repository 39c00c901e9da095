// What is clicked before the page's modules are there is kept, and done when they are.
window.early = { acts: [] };
window.early.keep = (event) => {
  const button = event.target.closest?.("button[data-act]");
  if (!button) return;
  button.setAttribute("aria-busy", "true");
  window.early.acts.push(button.dataset);
};
document.addEventListener("click", window.early.keep);
