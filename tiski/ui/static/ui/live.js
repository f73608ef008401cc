/**
 * A socket per tab: reconnects for ever, notices silence in 45 s, polls where sockets are blocked. See `frames.d.ts`.
 *
 *     const line = connect({url, hello, onframe, onstate, poll});  line.send({t: "typing"});
 *
 * @typedef {"open" | "lost" | "polling" | "expired"} State
 */

const [SILENCE, STABLE, BLOCKED] = [40e3, 10e3, 3e5];

/**
 * `poll` says whether anything came; it throws when nobody answers.
 * @param {{url: string, hello: () => object, onframe: (frame: any) => void, onstate: (state: State) => void,
 *   poll: () => Promise<boolean>}} owner
 */
export function connect({ url, hello, onframe, onstate, poll }) {
  /** @type {WebSocket | null} */
  let socket = null;
  /** @type {State} */
  let state = "lost";
  const end = new AbortController();
  let [tries, missed, quick, idle, ever] = [0, 0, 0, 0, false];
  let [opened, last, retry, polling] = [0, 0, 0, 0];

  const say = (/** @type {State} */ next) => next !== state && onstate((state = next));
  const forget = () => {
    clearTimeout(retry);
    const line = socket;
    socket = null;
    opened = 0;
    line?.close();
  };
  const send = (/** @type {object} */ frame) => {
    if (opened) socket?.send(JSON.stringify(frame));
    return !!opened;
  };

  function open() {
    forget();
    last = Date.now();
    const line = (socket = new WebSocket(url));
    line.onopen = () => line.send(JSON.stringify(hello()));
    line.onerror = line.onclose = (/** @type {any} */ event) => line === socket && lose(event.code);
    line.onmessage = ({ data }) => {
      if (line !== socket) return;
      const frame = JSON.parse(data);
      last = Date.now();
      if (frame.t === "ready") {
        [opened, ever, missed] = [last, true, 0];
        clearTimeout(polling);
        say("open");
      }
      // Not by a timer: hidden tabs slow them.
      if (frame.t === "beat") send(frame);
      else onframe(frame);
    };
  }

  /** @param {number} [code] */
  function lose(code) {
    if (!opened) missed++;
    else if (Date.now() - opened < STABLE) quick++;
    else tries = quick = 0;
    forget();
    if (code === 4401) return say("expired");
    const blocked = quick > 2 || (!ever && missed > 1);
    if (state !== "polling") say("lost");
    if (blocked || missed > 1) wake();
    retry = setTimeout(open, (blocked ? BLOCKED : Math.min(3e4, 500 * 2 ** tries++)) * (0.7 + Math.random() * 0.6));
  }

  async function ask() {
    clearTimeout(polling);
    const came = await poll().catch(() => null);
    if (opened || state === "expired") return;
    say(came === null ? "lost" : "polling");
    idle = came ? 0 : idle + 1;
    polling = setTimeout(ask, Math.min(6e4, 3e3 * 2 ** Math.max(0, idle - 20)));
  }

  /** Someone is at the keyboard. */
  function wake() {
    if (!opened && (idle > 20 || state === "lost")) void ask();
    idle = 0;
  }

  function now() {
    tries = 0;
    if (socket ? Date.now() - last > SILENCE : state !== "expired") open();
  }

  const watch = setInterval(() => socket && Date.now() - last > SILENCE && lose(), 4e3);
  // As options: its signal removes them.
  addEventListener("online", now, end);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && now(), end);
  addEventListener("pagehide", forget, end);
  addEventListener("pageshow", (event) => event.persisted && open(), end);
  open();

  return {
    send,
    wake,
    open,
    close() {
      forget();
      clearTimeout(polling);
      clearInterval(watch);
      end.abort();
    },
  };
}
