/**
 * Reads new messages to people who listen, through the one `role=status` that was in the root from the start: emptied
 * first, filled 80 ms later, bursts summed up (ui.md A2).
 */

const SOON = 80;
const LONGEST = 200;

/** @param {HTMLElement} status @param {import("./words.js").Words} words */
export function openHerald(status, { t }) {
  /** @type {import("./types.js").Message[]} */
  let waiting = [];
  let timer = 0;

  function read() {
    const [message] = waiting;
    const text = message.body || t("sent_file", { name: message.files.length ? message.files[0].name : "" });
    const said = t("said", { name: message.author.name, text: text.slice(0, LONGEST) });
    status.textContent = waiting.length > 1 ? `${said} ${t("and_more", { count: waiting.length - 1 })}` : said;
    waiting = [];
  }

  return {
    /** @param {import("./types.js").Message[]} messages */
    tell(messages) {
      waiting = waiting.concat(messages);
      status.textContent = "";
      clearTimeout(timer);
      timer = window.setTimeout(read, SOON);
    },
  };
}
