/**
 * The user of the console, and the client for this user.
 *
 * A key or token is kept in memory, or for the tab when its owner says so. Pages get short-lived tokens made from it; only what
 * needs an administrator is asked for with the credential itself, since tokens never carry that.
 */
import { RunbusError } from "@runbus/client";
import { ConsoleClient } from "./client";
import { PROBE_MS } from "./limits";
import { allows, ASKED, pattern, type Action, type Place } from "./rights";
import { load, save } from "./stored";
import { ask } from "./rest";

interface Token {
  token: string;
  scopes: string[];
  until: number;
}

export type Standing = "asking" | "open" | "needed" | "known";

class Session {
  /** `asking`: it is not known yet; `open`: nobody is asked; `needed`: a credential is asked for; `known`: there is one. */
  standing = $state<Standing>("asking");
  /** The fault of the last one. */
  refused = $state("");
  scopes = $state.raw<readonly string[]>(["*", "admin"]);
  /** Counts the clients: views begin anew with another one. */
  epoch = $state(0);
  /** The gateways: the page's own first, then those that it may go on with. */
  readonly gateways: readonly string[] = gateways();
  #credential: string | undefined = load<string | undefined>("credential", undefined, "tab");
  #token: Token | undefined;
  #waiting: (() => void)[] = [];
  #client: ConsoleClient | undefined;
  #more: string[] | undefined;
  #admin: boolean | undefined;

  /** The client. It is there as soon as the console knows whether a credential is asked for. */
  get client(): ConsoleClient {
    void this.epoch;
    return (this.#client ??= this.#connect());
  }

  /** Whether there is something to show: a client that works, or one that waits for a fresh credential. */
  get ready(): boolean {
    return this.epoch > 0 || this.standing === "open" || this.standing === "known";
  }

  /** The credential itself, for what tokens never allow. */
  get credential(): string | undefined {
    return this.#credential;
  }

  can(action: Action, place: Place = {}): boolean {
    return allows(this.scopes, action, place);
  }

  /** Finds out whether somebody must say who they are; returns when the gateway has said so. */
  async begin(): Promise<void> {
    for (;;) {
      try {
        await ask("GET", ["stats"], { token: this.#credential });
        break;
      } catch (error) {
        const status = error instanceof RunbusError ? error.status : undefined;
        if (status === 401) return this.forget("");
        if (status !== undefined && status < 500 && status !== 429) break;
        await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
      }
    }
    if (this.#credential === undefined) return this.#stand("open");
    await this.use(this.#credential, false).catch((error: unknown) => this.forget(String((error as Error).message)));
  }

  /** Takes a key or token. Throws when the gateway does not. */
  async use(credential: string, keep: boolean): Promise<void> {
    const trimmed = credential.trim();
    // A text that no header can carry is no credential.
    if (!/^[\x21-\x7e]{1,8192}$/.test(trimmed)) throw new RunbusError("unauthenticated", "This is no key and no token.");
    const before = this.#credential;
    this.#credential = trimmed;
    this.#more = this.#admin = undefined;
    try {
      await ask("GET", ["stats"], { token: trimmed }).catch((error: unknown) => {
        if (error instanceof RunbusError && error.status === 403) return;
        throw error;
      });
      this.#token = await this.#mint();
    } catch (error) {
      this.#credential = before;
      throw error;
    }
    if (keep) save("credential", trimmed, "tab");
    this.#stand("known");
  }

  /** Forgets the credential and asks again; the view stays where it is. */
  forget(why = "The credential does not count any more."): void {
    this.#credential = undefined;
    this.#token = undefined;
    save("credential", undefined, "tab");
    this.refused = why;
    this.standing = "needed";
  }

  /** A refusal in the middle of something asks for a credential; gives whether it did. */
  hear(error: unknown): boolean {
    if (!(error instanceof RunbusError) || error.code !== "unauthenticated") return false;
    if (this.standing !== "needed") this.forget();
    return true;
  }

  #stand(standing: Standing): void {
    const open = standing === "open";
    // A client that works without a credential cannot take one.
    if (!this.#client || this.#open !== open) {
      this.#client?.close();
      this.#client = undefined;
      this.#open = open;
      this.epoch++;
    }
    this.refused = "";
    this.standing = standing;
    for (const one of this.#waiting.splice(0)) one();
  }
  #open: boolean | undefined;

  #connect(): ConsoleClient {
    const common = { url: [...this.gateways], onWarning: () => {} };
    return new ConsoleClient(this.#open ? common : { ...common, getToken: () => this.#fresh() });
  }

  /** A token for the client. Waits until there is a credential, so that what was under way goes on behind the prompt. */
  async #fresh(): Promise<string> {
    for (;;) {
      while (this.standing === "needed") await new Promise<void>((resolve) => this.#waiting.push(resolve));
      try {
        const made = this.#token ?? (await this.#mint());
        // A caller that asks again needs another one.
        this.#token = undefined;
        return made.token;
      } catch (error) {
        if (!(error instanceof RunbusError) || error.status !== 401) throw error;
        this.forget();
      }
    }
  }

  /** A short-lived token with all that the credential may do and a page needs. */
  async #mint(): Promise<Token> {
    const token = this.#credential;
    const mint = (scopes?: string[]) =>
      ask<{ token: string; scopes: string[]; expires_at: string | null }>("POST", ["auth", "tokens"], {
        token,
        body: scopes ? { scopes } : {},
      });
    let read: { token: string; scopes: string[]; expires_at: string | null };
    try {
      read = await mint();
    } catch (error) {
      // This gateway mints none, or it is a page's token already: it is used as it is.
      if (!(error instanceof RunbusError) || (error.status !== 404 && error.status !== 403)) throw error;
      this.scopes = claimed(token ?? "") ?? ["*", "admin"];
      return { token: token ?? "", scopes: [...this.scopes], until: Infinity };
    }
    const scopes = [...read.scopes];
    if (!this.#more) {
      const asked = [...new Set(read.scopes.map(pattern))].flatMap((place) => ASKED.map((action) => `${action}:${place}`));
      const tried = await Promise.all(
        asked.slice(0, 32).map((scope) => mint([scope]).then(() => [scope], () => [])),
      );
      this.#more = tried.flat();
    }
    scopes.push(...this.#more);
    const all = this.#more.length > 0 ? await mint(scopes) : read;
    this.scopes = [...scopes, ...((await this.#isAdmin()) ? ["admin"] : [])];
    return { token: all.token, scopes, until: all.expires_at ? Date.parse(all.expires_at) - 2_000 : Infinity };
  }

  async #isAdmin(): Promise<boolean> {
    this.#admin ??= await ask("GET", ["dead-letters"], { token: this.#credential, query: { limit: 1 } }).then(
      () => true,
      () => false,
    );
    return this.#admin;
  }
}

/** Scopes that a token says of itself; only what is offered depends on them, the gateway checks. */
function claimed(token: string): string[] | undefined {
  try {
    const part = token.split(".")[1];
    if (!part) return undefined;
    const claims = JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/"))) as { scope?: unknown };
    return typeof claims.scope === "string" ? claims.scope.split(" ") : undefined;
  } catch {
    return undefined;
  }
}

function gateways(): string[] {
  const named = document.querySelector('meta[name="runbus-gateways"]')?.getAttribute("content") ?? "";
  return [...new Set([window.location.origin, ...named.split(/\s+/).filter(Boolean)])];
}

export const session = new Session();
