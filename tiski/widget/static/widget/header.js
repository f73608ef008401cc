/**
 * The panel's head: who answers, with a face, and when; told honestly and kept up to date.
 *
 *     <header class="head"><span class="faces">…</span><div><h2>Mia</h2><p>Open today until 17.00</p></div><button>×</button></header>
 */

import { face, h, icon } from "./dom.js";
import { isOpen } from "./words.js";

const LOST_AFTER = 5000;
const MINUTE = 60_000;

/**
 * @param {object} head
 * @param {import("./types.js").Context} head.context
 * @param {import("./words.js").Words} head.words
 * @param {() => void} head.onclose
 */
export function openHeader({ context, words, onclose }) {
  const { shop, people, hours } = context.config;
  const { t } = words;
  const faces = h("span", { class: "faces" });
  const title = h("h2", { id: "title", tabindex: -1 }, shop.name);
  const line = h("p", { class: "head__line" });
  const close = h("button", { type: "button", class: "head__close", "aria-label": t("close"), onclick: onclose }, icon("close"));
  const node = h("header", { class: "head" }, faces, h("div", { class: "head__words" }, title, line), !context.full && close);
  let state = hours;
  let shown = "";
  let lost = false;
  let lostTimer = 0;
  setInterval(tell, MINUTE);
  show(null);

  /** The person who answers, or, until somebody does, the shop and its people. @param {import("./types.js").Person | null} agent */
  function show(agent) {
    if (shown === (agent ? agent.name + agent.photo : "shop")) return;
    shown = agent ? agent.name + agent.photo : "shop";
    const logo = shop.logo ? [{ name: shop.name, photo: shop.logo }] : [];
    const behind = agent ? [agent] : logo.length ? logo : people.slice(0, 3);
    title.textContent = agent ? agent.name : shop.name;
    faces.classList.toggle("faces--logo", !agent && logo.length > 0);
    faces.replaceChildren(...(behind.length ? behind : [{ name: shop.name, photo: null }]).map((one) => face(one, context.base, 40)));
    if (agent && logo.length) faces.append(logoMark(logo[0]));
    tell();
  }

  /** @param {import("./types.js").Person} logo */
  function logoMark(logo) {
    const mark = face(logo, context.base, 18);
    mark.classList.add("faces__mark");
    return mark;
  }

  function tell() {
    node.classList.toggle("head--open", isOpen(state) && !lost);
    line.textContent = lost ? t("reconnecting") : words.hours(state) || (title.textContent === shop.name ? "" : shop.name);
  }

  return {
    node,
    title,
    show,

    /** @param {import("./types.js").CounterState} news */
    state(news) {
      if (hours.hours !== false) state = { ...state, ...news, opens_at: news.opens_at || (news.open ? state.opens_at : null) };
      tell();
    },

    /** @param {string} connection */
    connection(connection) {
      clearTimeout(lostTimer);
      lost = lost && connection === "lost";
      if (connection === "lost") lostTimer = window.setTimeout(sayLost, LOST_AFTER);
      tell();
    },
  };

  function sayLost() {
    lost = true;
    tell();
  }
}
