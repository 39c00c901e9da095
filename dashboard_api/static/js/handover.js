// The page to read aloud: printed by a button.
document.getElementById("print").addEventListener("click", () => window.print());
