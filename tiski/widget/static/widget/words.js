/**
 * The widget's own words: sentences from the config with their blanks filled, and times said the way the language does.
 */

/** @typedef {import("./types.js").CounterState} CounterState */
/** @typedef {ReturnType<typeof openWords>} Words */

const DAY = 24 * 3600 * 1000;

/** @param {import("./types.js").Texts} texts @param {string} lang */
export function openWords(texts, lang) {
  const clock = once(() => new Intl.DateTimeFormat(lang, { hour: "numeric", minute: "2-digit" }));
  const weekday = once(() => new Intl.DateTimeFormat(lang, { weekday: "long", day: "numeric", month: "long" }));
  const date = once(() => new Intl.DateTimeFormat(lang, { day: "numeric", month: "numeric" }));
  const number = once(() => new Intl.NumberFormat(lang, { maximumFractionDigits: 1 }));

  /**
   * A sentence of the config. A list is singular and plural, chosen by `count`.
   * @param {string} name
   * @param {Record<string, string | number>} [blanks]
   */
  function t(name, blanks = {}) {
    const text = texts[name];
    const sentence = typeof text === "string" ? text : text[blanks.count === 1 ? 0 : 1];
    return sentence.replace(/%\((\w+)\)s/g, (_, blank) => String(blanks[blank]));
  }

  return {
    t,
    lang,

    /** @param {Date} at */
    time: (at) => clock().format(at),

    /** Heading of a day in the thread. @param {Date} at */
    day(at) {
      const days = daysBetween(at, new Date());
      if (days === 0) return t("today");
      return days === 1 ? t("yesterday") : weekday().format(at);
    },

    /** Size of a file. @param {number} bytes */
    size(bytes) {
      if (bytes < 1024 * 1024) return t("kilobytes", { size: number().format(Math.max(1, Math.round(bytes / 1024))) });
      return t("megabytes", { size: number().format(bytes / 1024 / 1024) });
    },

    /**
     * When somebody answers, in honest words; empty when the shop has told no hours.
     * @param {CounterState} state
     */
    hours(state) {
      if (isOpen(state)) {
        const until = state.closes_at ? new Date(state.closes_at) : null;
        if (until && until > new Date() && daysBetween(new Date(), until) === 0) return t("open_until", { time: clock().format(until) });
        return state.hours === false ? "" : t("open");
      }
      const back = state.opens_at ? new Date(state.opens_at) : null;
      if (!back || back < new Date()) return t("closed");
      const days = daysBetween(new Date(), back);
      const time = clock().format(back);
      if (days === 0) return t("back_today", { time });
      if (days === 1) return t("back_tomorrow", { time });
      if (days < 7) return t(`back_day_${back.getDay()}`, { time });
      return t("back_on", { date: date().format(back), time });
    },
  };
}

/** Made when first asked for: a formatter costs a slow phone tens of milliseconds. @template T @param {() => T} make */
function once(make) {
  let made = /** @type {T | undefined} */ (undefined);
  return () => (made ??= make());
}

/** Whether the counter is open now; what was true when the state was told may have passed. @param {CounterState} state */
export function isOpen(state) {
  const now = Date.now();
  const opens = state.opens_at ? Date.parse(state.opens_at) : NaN;
  const closes = state.closes_at ? Date.parse(state.closes_at) : NaN;
  if (state.open) return !(closes <= now) || opens <= now;
  return opens <= now && !(closes <= now);
}

/** Midnights between two moments. @param {Date} from @param {Date} to */
function daysBetween(from, to) {
  const start = new Date(from.getFullYear(), from.getMonth(), from.getDate());
  const end = new Date(to.getFullYear(), to.getMonth(), to.getDate());
  return Math.round((end.getTime() - start.getTime()) / DAY);
}
