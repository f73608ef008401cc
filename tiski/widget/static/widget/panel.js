/**
 * The panel, loaded when the visitor reaches for the launcher. It fills the frame that the loader has already shown.
 */

import { openComposer } from "./composer.js";
import { openConversation } from "./conversation.js";
import { openStage } from "./dialog.js";
import { uploadTo } from "./files.js";
import { openHeader } from "./header.js";
import { openHerald } from "./herald.js";
import { drawIntro, dropZone } from "./intro.js";
import { openStore } from "./store.js";
import { openThread } from "./thread.js";
import { openLine } from "./transport.js";
import { openWords } from "./words.js";

/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("./types.js").FileRef} FileRef */

/** @param {Context} context @returns {Promise<import("./types.js").Panel>} */
export async function mount(context) {
  await dress(context);
  const dial = context.preview ? (await import("./rehearsal.js")).rehearse(context.config) : null;
  return build(context, dial);
}

/** The panel's own style sheet, beside the loader's. @param {Context} context */
async function dress({ config, origin, root }) {
  const sheet = new CSSStyleSheet();
  const answer = await fetch(new URL(config.css, origin).href, { credentials: "omit" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  sheet.replaceSync(await answer.text());
  root.adoptedStyleSheets = root.adoptedStyleSheets.concat(sheet);
}

/**
 * @param {Context} context
 * @param {Parameters<typeof openConversation>[0]["dial"] | null} rehearsal stands in for the line in a preview
 * @returns {import("./types.js").Panel}
 */
function build(context, rehearsal) {
  const { config, origin, frame, host } = context;
  const api = new URL(config.api, origin).href;
  const socket = new URL(config.socket, origin).href.replace(/^http/, "ws");
  const words = openWords(config.texts, config.lang);
  const store = openStore(config.key);
  const herald = openHerald(context.status, words);
  const header = openHeader({ context, words, onclose: () => close() });
  const composer = openComposer({
    words, limits: config.limits, upload: uploadTo(api, () => talk().token()), onsend: say, ontyped: () => talk().typed(),
    draft: { get: () => store.get("draft") || "", set: (text) => store.set("draft", text || null) },
  });
  const thread = openThread({ words, origin, fetchFile, intro: drawIntro(context, words) });
  const stage = openStage({ frame, full: context.full, onclose: close });
  /** @type {import("./conversation.js").Conversation | null} */
  let conversation = null;
  let open = false;
  let unread = -1;

  frame.setAttribute("role", context.full ? "region" : "dialog");
  frame.removeAttribute("aria-label");
  frame.setAttribute("aria-labelledby", "title");
  frame.replaceChildren(header.node, thread.node, composer.node, dropZone(frame, composer.add, words.t("drop")));
  document.addEventListener("visibilitychange", () => watching() && talk().read());
  window.addEventListener("pagehide", () => open && composer.save());

  /** The conversation, called up when first needed. */
  function talk() {
    if (conversation) return conversation;
    conversation = openConversation({
      store, lang: config.lang, unsent: words.t("unsent"),
      dial: rehearsal || ((wiring) => openLine({ socket, api, ...wiring })),
      heard: {
        welcomed: () => open && catchUp(), changed: draw, arrived, state: header.state, typing: thread.typing, connection: header.connection,
        refused: composer.complain, elsewhere: restart,
      },
    });
    return conversation;
  }

  /** Open, in a tab that is being looked at. */
  function watching() {
    return open && document.visibilityState === "visible";
  }

  function draw() {
    if (!conversation) return;
    thread.draw(conversation);
    const count = conversation.unread();
    if (count === unread) return;
    unread = count;
    context.unread(count);
    context.emit("unread", { count });
  }

  /** Show where the unread begins, go there, and count it as read. */
  function catchUp() {
    const { unread, seen, read } = talk();
    thread.markNew(unread() ? seen() : -1);
    draw();
    thread.arrive();
    if (watching()) read();
  }

  /** @param {import("./types.js").Message[]} messages */
  function arrived(messages) {
    for (const message of messages) context.emit("message", { author: message.author.kind });
    herald.tell(messages);
    thread.missed(messages.length);
    if (watching()) talk().read();
    else thread.markNew(talk().seen());
  }

  /** @param {string} body @param {FileRef[]} files */
  function say(body, files) {
    thread.markNew(-1);
    talk().say(body, files, location.origin + location.pathname);
    store.set("open", true);
    context.emit("message", { author: "customer" });
  }

  /** @param {FileRef} file @returns {Promise<Blob | null>} */
  async function fetchFile(file) {
    if (file.local) return file.local;
    try {
      const headers = { Authorization: `Bearer ${talk().token()}` };
      const answer = await fetch(new URL(file.url || `files/${file.id}/`, api).href, { headers, credentials: "omit" });
      return answer.ok ? await answer.blob() : null;
    } catch {
      return null;
    }
  }

  function close() {
    if (!open || context.full) return;
    open = false;
    composer.save();
    stage.close();
    thread.markNew(-1);
    if (store.get("open")) store.set("open", null);
    if (conversation && !conversation.started()) hangUp();
    context.closed();
  }

  function hangUp() {
    if (conversation) conversation.hangUp();
    conversation = null;
  }

  /** Begin again with what storage holds now. */
  function restart() {
    hangUp();
    unread = -1;
    if (open || store.visitor()) talk();
    draw();
  }

  return {
    open({ focus, text }) {
      if (!open) {
        open = true;
        stage.open();
        if (talk().welcomed()) catchUp();
        else draw();
        if (talk().started()) store.set("open", true);
      }
      if (text) composer.suggest(text);
      if (focus && matchMedia("(pointer: coarse)").matches) header.title.focus({ preventScroll: true });
      else if (focus) composer.focus();
    },

    close,

    reset() {
      store.clear();
      composer.clear();
      restart();
    },

    leave: hangUp,
    wake: () => void talk(),
  };
}
