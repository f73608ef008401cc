/**
 * Requests of the elements themselves, as htmx would make them: a fragment wanted, the form token in a header.
 *
 *     const answer = await ask(form.action, {method: "POST", body: new FormData(form)});
 *     list.append(fragment(await answer.text()));
 */

const TOKEN = "X-CSRFToken";
const HEADERS = "hx-headers:inherited";

/**
 * Fetch a fragment. A page that was open too long gets a fresh token with the refusal and asks once more.
 * @param {string} url @param {RequestInit} [options] @returns {Promise<Response>} rejects when nobody answers in 20 s
 */
export async function ask(url, options = {}) {
  const answer = await once(url, options);
  return adopt(answer) ? once(url, options) : answer;
}

/** @param {string} url @param {RequestInit} options */
function once(url, options) {
  const headers = { "HX-Request": "true", "HX-Request-Type": "partial", [TOKEN]: token(), ...options.headers };
  return fetch(url, { signal: AbortSignal.timeout(20_000), ...options, headers });
}

/** The form token of this page. */
export function token() {
  return String(JSON.parse(document.body.getAttribute(HEADERS) || "{}")[TOKEN] ?? "");
}

/** Take over the fresh token of a refusal; says whether there was one. @param {Response} answer */
export function adopt(answer) {
  const fresh = answer.status === 403 && answer.headers.get(TOKEN);
  if (!fresh) return false;
  document.body.setAttribute(HEADERS, JSON.stringify({ [TOKEN]: fresh }));
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
    /** @type {HTMLInputElement} */ (field).value = fresh;
  }
  return true;
}

/** Read the token of the page as it would be now, after someone signed in again; says whether they did. */
export async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const headers = answer.redirected ? null : page.body.getAttribute(HEADERS);
  if (headers) document.body.setAttribute(HEADERS, headers);
  return Boolean(headers);
}

/** The nodes of an answer, shadow roots included, not yet in the page. @param {string} html */
export function fragment(html) {
  const parse = Document.parseHTMLUnsafe ?? ((text) => new DOMParser().parseFromString(text, "text/html"));
  const nodes = document.createDocumentFragment();
  nodes.append(...parse(html).body.childNodes);
  return nodes;
}

/** Let htmx see what an element put into the page. @param {Element} element */
export function enliven(element) {
  const htmx = /** @type {{htmx?: {process(root: Element): void}}} */ (/** @type {unknown} */ (window)).htmx;
  htmx?.process(element);
}
