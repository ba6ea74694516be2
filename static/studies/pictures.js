// @ts-check
/** Pictures of a trial, loaded and decoded before it is shown. */

import { SignedOut } from "./connection.js";

/** @typedef {import("./types.js").Assignment} Assignment */
/** @typedef {import("./types.js").Pictures} Pictures */

/**
 * @param {import("./connection.js").Connection} connection
 * @param {string} url
 * @returns {Promise<HTMLImageElement>}
 */
async function loadPicture(connection, url) {
  const blob = await connection.persist(async () => {
    const response = await connection.attempt(url);
    if (!response.headers.get("Content-Type")?.startsWith("image/")) throw new SignedOut();
    return response.blob();
  });
  const picture = new Image();
  picture.alt = "";
  picture.draggable = false;
  picture.decoding = "sync";
  picture.src = URL.createObjectURL(blob);
  await picture.decode();
  return picture;
}

/**
 * @param {import("./connection.js").Connection} connection
 * @param {Assignment} assignment
 * @returns {Promise<Pictures>} decoded, in elements ready to be inserted
 */
export async function loadPictures(connection, assignment) {
  const { pictures } = assignment;
  const [image, left, right] = await Promise.all(
    [pictures.image, pictures.left, pictures.right].map((url) => loadPicture(connection, url)),
  );
  return { image, left, right };
}

/**
 * Decodes again what the browser may have dropped while it waited.
 * @param {Pictures} pictures
 * @returns {Promise<number>} how long it took, in milliseconds
 */
export async function decodePictures(pictures) {
  const start = performance.now();
  await Promise.all(Object.values(pictures).map((picture) => picture.decode()));
  return performance.now() - start;
}

/** @param {Pictures} pictures that will not be shown again */
export function releasePictures(pictures) {
  for (const picture of Object.values(pictures)) URL.revokeObjectURL(picture.src);
}
