// @ts-check
/** Elements, made in one line each. */

/**
 * @param {string} tag
 * @param {string} className
 * @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/**
 * @param {string} className
 * @param {(Node | string)[]} children
 * @returns {HTMLButtonElement}
 */
export function button(className, ...children) {
  const made = /** @type {HTMLButtonElement} */ (element("button", className, ...children));
  made.type = "button";
  return made;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function required(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element #${id}`);
  return found;
}
