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
import { rehearse } from "./rehearsal.js";
import { openStore } from "./store.js";
import { openThread } from "./thread.js";
import { openLine } from "./transport.js";
import { openWords } from "./words.js";

/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("./types.js").FileRef} FileRef */

/** @param {Context} context @param {string} css @returns {import("./types.js").Panel} */
export function mount(context, css) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  context.root.adoptedStyleSheets = context.root.adoptedStyleSheets.concat(sheet);
  return build(context, context.preview ? rehearse(context.config) : null);
}

/**
 * @param {Context} context
 * @param {Parameters<typeof openConversation>[0]["dial"] | null} rehearsal stands in for the line in a preview
 * @returns {import("./types.js").Panel}
 */
function build(context, rehearsal) {
  const { config, base, frame } = context;
  const api = new URL(config.api, base).href;
  const socket = new URL(config.socket, base).href.replace(/^http/, "ws");
  const words = openWords(config.texts, config.lang);
  const store = openStore(config.key, !context.preview);
  const herald = openHerald(context.status, words);
  const header = openHeader({ context, words, onclose: () => close() });
  const composer = openComposer({
    words, limits: config.limits, upload: uploadTo(api, () => talk().token()), onsend: say, ontyped: () => talk().typed(),
    draft: { get: () => store.get("draft") || "", set: (text) => store.set("draft", text || null) },
  });
  const thread = openThread({ words, base, intro: drawIntro(context, words) });
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
        welcomed: () => open && catchUp(), changed: draw, arrived, state: header.state, typing: thread.typing,
        connection: header.connection, refused: composer.complain, elsewhere: restart,
      },
    });
    header.connection("lost");
    return conversation;
  }

  /** Open, in a tab that is being looked at. */
  function watching() {
    return open && document.visibilityState === "visible";
  }

  function draw() {
    if (!conversation) return;
    thread.draw(conversation);
    header.show(conversation.agent());
    tellUnread(conversation.unread());
  }

  /** @param {number} count */
  function tellUnread(count) {
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
    header.connection("open");
  }

  /** Begin again with what storage holds now. */
  function restart() {
    hangUp();
    if (open || store.visitor()) talk();
    else tellUnread(0);
    draw();
  }

  return {
    open({ focus, text }) {
      if (!open) {
        open = true;
        stage.open();
        composer.grow();
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

    leave() {
      open = false;
      stage.close();
      hangUp();
    },

    wake: () => void talk(),
  };
}
