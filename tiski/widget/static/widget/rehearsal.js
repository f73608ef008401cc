/**
 * Stands in for the line to the counter in the settings' preview: shows the sample conversation of the config, takes
 * every message, and sends nothing anywhere.
 */

/** @typedef {import("./types.js").Frame} Frame */

/** @param {import("./types.js").Config} config */
export function rehearse(config) {
  const agent = config.people[0] || null;
  const messages = (config.sample || []).map((message) => {
    return message.author.kind === "agent" && agent ? { ...message, author: { ...message.author, ...agent } } : message;
  });

  /** @param {Omit<Parameters<typeof import("./transport.js").openLine>[0], "socket" | "api">} wiring */
  return ({ onframe, onstate }) => {
    let seq = messages.length;
    setTimeout(() => {
      onstate("open");
      onframe({ t: "ready", seq, messages, state: { ...config.hours, agent }, more: false });
    });
    return {
      /** @param {Frame} frame */
      say(frame) {
        if (frame.t === "message") setTimeout(() => onframe({ t: "ack", client_id: frame.client_id, seq: (seq += 1) }), 300);
        return true;
      },
      wake: () => {},
      post: async () => null,
      later: async () => null,
      earlier: async () => null,
      close: () => {},
    };
  };
}
