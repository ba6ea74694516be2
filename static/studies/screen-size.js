// @ts-check
/** Trials are covered while the window is smaller than the protocol allows, and come back when it grows. */

import { required } from "./dom.js";

/** Dispatched on the document, with `detail`: whether the trials are covered now. */
export const COVER = "harmony-cover";

/**
 * @param {HTMLElement} stage
 * @param {{leastWidth: number, leastHeight: number}} least in CSS pixels
 */
export function watchScreenSize(stage, { leastWidth, leastHeight }) {
  const refusal = required("too-small");
  let isCovered = false;
  const look = () => {
    const isTrial = document.body.dataset.surround === "trials";
    const covers = isTrial && (window.innerWidth < leastWidth || window.innerHeight < leastHeight);
    if (covers === isCovered) return;
    isCovered = covers;
    stage.inert = covers;
    refusal.hidden = !covers;
    document.dispatchEvent(new CustomEvent(COVER, { detail: covers }));
  };
  window.addEventListener("resize", look);
  document.addEventListener("harmony-surround", look);
  look();
}
