// The code of a device: by the camera, or typed. Asked for in one dialog, answered by one promise.
import { say } from "/static/js/crew/words.js";

const LOOK_MS = 150;
const READ_IT_MS = 1500; // to read what is wrong with a code, and to turn the phone away
const SIDE_PIXELS = 640; // of the picture that is looked at: enough for a label, quick on an old phone
const DECODER = "/static/vendor/jsqr/jsQR.js";
const byId = (id) => document.getElementById(id);

// -- reading pictures -------------------------------------------------------------------------

// A function from the video's picture of now to a text or null: the browser's own, or ours.
async function readerOf() {
  const formats = "BarcodeDetector" in window ? await window.BarcodeDetector.getSupportedFormats().catch(() => []) : [];
  if (formats.includes("qr_code")) {
    const detector = new window.BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video).catch(() => []))[0]?.rawValue ?? null;
  }
  await import(DECODER);
  return byPixels;
}

const canvas = document.createElement("canvas");

async function byPixels(video) {
  const scale = Math.min(1, SIDE_PIXELS / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  if (!canvas.width) return null;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
  return self.jsQR(data, width, height, { inversionAttempts: "dontInvert" })?.data || null;
}

// -- the camera -------------------------------------------------------------------------------

const camera = byId("scan-camera");
let watching = 0; // grows with every scan: an old one that comes late is nobody's

function stop() {
  watching += 1;
  for (const track of camera.srcObject?.getTracks() ?? []) track.stop();
  camera.srcObject = null;
  byId("scan-picture").hidden = true;
  byId("scan-light").hidden = true;
}

function explain(error) {
  const refused = error?.name === "NotAllowedError";
  byId("scan-no-camera").textContent = say(refused ? "camera_refused" : self.isSecureContext ? "camera_none" : "camera_insecure");
  byId("scan-no-camera").hidden = false;
}

async function start(found) {
  const mine = ++watching;
  byId("scan-no-camera").hidden = true;
  try {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("no camera here");
    const [stream, read] = await Promise.all([
      navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }),
      readerOf(),
    ]);
    if (mine !== watching) return void stream.getTracks().forEach((track) => track.stop());
    camera.srcObject = stream;
    byId("scan-picture").hidden = false;
    await camera.play();
    offerLight(stream.getVideoTracks()[0]);
    look(mine, read, found);
  } catch (error) {
    if (mine !== watching) return; // closed before the camera came
    stop();
    explain(error);
  }
}

async function look(mine, read, found) {
  if (mine !== watching) return;
  const text = await read(camera);
  if (mine !== watching) return;
  if (text) found(text);
  setTimeout(() => look(mine, read, found), text ? READ_IT_MS : LOOK_MS);
}

// Cellars are dark: where the phone can, its lamp is switched on here.
function offerLight(track) {
  const button = byId("scan-light");
  button.hidden = !track?.getCapabilities?.().torch;
  button.setAttribute("aria-pressed", "false");
  button.onclick = async () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    await track.applyConstraints({ advanced: [{ torch: on }] }).catch(() => {});
    button.setAttribute("aria-pressed", String(on));
  };
}

// -- the dialog -------------------------------------------------------------------------------

const dialog = byId("scan");

// `check(text)`: words against it, or null when it may be taken. `reasons`: offer to go on without a
// code. Resolves to { code } or { reason }, or null when it was closed.
export function scan({ title, about = "", check = () => null, reasons = false }) {
  byId("scan-title").textContent = title;
  byId("scan-about").textContent = about;
  byId("scan-reasons").hidden = !reasons;
  byId("scan-form").reset();
  complain("");
  return new Promise((resolve) => {
    let answer = null;
    const finish = (given) => {
      answer = given;
      dialog.close();
    };
    const found = (text) => {
      const wrong = check(text);
      if (wrong) complain(wrong, () => finish({ code: text }));
      else finish({ code: text });
    };
    byId("scan-form").onsubmit = (event) => {
      event.preventDefault();
      const text = byId("scan-text").value.trim();
      if (text) found(text);
    };
    byId("scan-reasons").onclick = (event) => {
      const reason = event.target.closest("button")?.textContent;
      if (reason) finish({ reason });
    };
    dialog.onclose = () => {
      stop();
      navigator.vibrate?.(answer ? 60 : 0);
      resolve(answer);
    };
    dialog.showModal();
    start(found);
  });
}

function complain(text, takeIt) {
  byId("scan-wrong").textContent = text;
  byId("scan-wrong").hidden = !text;
  byId("scan-anyway").hidden = !text;
  byId("scan-anyway").onclick = takeIt ?? null;
}

byId("scan-close").addEventListener("click", () => dialog.close());
