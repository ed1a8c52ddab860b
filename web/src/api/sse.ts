import type { Event, Ready } from "./client.ts";

export interface Message {
  id: string;
  event: string;
  data: string;
}

/**
 * Takes a text/event-stream apart (HTML standard, section 9.2.6). fetch is used in place of EventSource because
 * that cannot send a token.
 */
export class EventParser {
  #rest = "";
  #id = "";
  #event = "";
  #data: string[] = [];

  /** The messages that `text` completes. */
  push(text: string): Message[] {
    const messages: Message[] = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0)
          messages.push({ id: this.#id, event: this.#event || "message", data: this.#data.join("\n") });
        this.#event = "";
        this.#data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue; // A comment: the server is alive.
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "id") this.#id = value;
      else if (name === "event") this.#event = value;
      else if (name === "data") this.#data.push(value);
    }
    return messages;
  }
}

/** Who hears what the stream of all jobs tells. */
export interface Hearers {
  job: (event: Event) => void;
  /** How the server is: once after the stream began, and whenever that changed. */
  server: (ready: Ready) => void;
}

/** Other names are those of a newer server. */
export function hand(message: Message, to: Hearers) {
  if (message.event === "job") to.job(JSON.parse(message.data) as Event);
  else if (message.event === "server") to.server(JSON.parse(message.data) as Ready);
}
