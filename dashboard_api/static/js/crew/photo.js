// Photos: made small on the phone before they are kept, so that a cellar's worth of them fits and sends.

// A JPEG no wider and no higher than `side` pixels. Throws where the file is no picture.
export async function shrink(file, side, quality) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", quality / 100);
  });
}

// A small picture of it. Drawn, not linked: the page's policy allows no blob: addresses.
export async function thumbnail(blob, height, label) {
  const canvas = document.createElement("canvas");
  const bitmap = await createImageBitmap(blob);
  canvas.height = height;
  canvas.width = Math.round((bitmap.width * height) / bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}
