// A list is filtered as soon as something is chosen; words wait for the key Enter or the button.
for (const one of document.querySelectorAll("#filter select")) {
  one.addEventListener("change", () => one.form.requestSubmit());
}

// What is empty need not stand in the address.
document.getElementById("filter")?.addEventListener("submit", (event) => {
  for (const one of event.target.elements) if (one.name && !one.value) one.disabled = true;
});
addEventListener("pageshow", () => {
  for (const one of document.getElementById("filter")?.elements ?? []) one.disabled = false;
});
