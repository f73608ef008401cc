/**
 * What people wrote, as nodes: plain text whose web addresses are links. Line breaks are kept by the style sheet; no
 * picture and no markup ever comes out of a message.
 */

import { h } from "./dom.js";

const ADDRESS = /\bhttps?:\/\/[^\s<>"”’]+|\bwww\.[^\s<>"”’]+\.[^\s<>"”’]+/gi;
const AFTER = /[.,:;!?)\]]+$/;
const LONGEST = 48;

/** @param {string} text @returns {(Node | string)[]} */
export function prose(text) {
  /** @type {(Node | string)[]} */
  const parts = [];
  let done = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const shown = found[0].replace(AFTER, "");
    const target = addressOf(shown);
    if (!target) continue;
    parts.push(text.slice(done, found.index), link(target, shown));
    done = Number(found.index) + shown.length;
  }
  parts.push(text.slice(done));
  return parts.filter((part) => part !== "");
}

/** @param {string} text */
function addressOf(text) {
  try {
    return new URL(/^https?:/i.test(text) ? text : `https://${text}`);
  } catch {
    return null;
  }
}

/** A link always shows the host it leads to. @param {URL} target @param {string} shown */
function link(target, shown) {
  const words = shown.replace(/^https?:\/\//i, "");
  const honest = words.toLowerCase().startsWith(target.host) ? words : target.host + target.pathname;
  const label = honest.length > LONGEST ? `${honest.slice(0, Math.max(LONGEST, target.host.length))}…` : honest;
  return h("a", { href: target.href, target: "_blank", rel: "noopener noreferrer nofollow" }, label);
}
