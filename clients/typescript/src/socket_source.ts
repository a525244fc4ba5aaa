/**
 * A subscription's part of a WebSocket.
 *
 * A WebSocket cannot be read more slowly. So the subscription holds a bounded number of characters for a slow consumer; at
 * the bound it asks the gateway for no more, drops what is on its way, and ends behind what it holds. The consumer then
 * subscribes again from there.
 */
import type { RunbusError } from "./errors.js";
import { BUFFER_CHARS } from "./limits.js";
import type { Message, Source } from "./messages.js";
import type { Sink, Socket } from "./socket.js";

export class SocketSource implements Source, Sink {
  readonly gateway: string;
  readonly #socket: Socket;
  readonly #id: string;
  readonly #held: { message: Message; chars: number }[] = [];
  #chars = 0;
  #full = false;
  #error: RunbusError | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, request: object) {
    this.gateway = socket.gateway;
    this.#socket = socket;
    this.#id = socket.subscribe(request, this);
  }

  async next(): Promise<Message | undefined> {
    for (;;) {
      const first = this.#held.shift();
      if (first) {
        this.#chars -= first.chars;
        return first.message;
      }
      if (this.#full) return undefined;
      if (this.#error) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  stop(): void {
    this.#socket.unsubscribe(this.#id);
  }

  message(message: { type: string }, chars: number): void {
    if (this.#full) return;
    this.#held.push({ message: message as Message, chars });
    this.#chars += chars;
    if (this.#chars > BUFFER_CHARS) {
      this.#full = true;
      this.stop();
    }
    this.#wake?.();
  }

  lost(error: RunbusError): void {
    this.#error = error;
    this.#wake?.();
  }
}
