// A duty phone says by itself that somebody has it at hand, as long as its page is open.
const { phone, phoneEveryMs } = document.body.dataset;

async function say() {
  try {
    await fetch(`/api/v1/grids/${encodeURIComponent(phone)}/phone`, { method: "POST" });
  } catch {
    // Nothing to be done here: the hub notices the silence, and the next try comes by itself.
  }
}

say();
setInterval(say, Number(phoneEveryMs));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) say();
});
