import { createClient as createEvents } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import type { TypedDocumentString } from './generated/graphql.js';
import { NoResponse, pauseAfter, read, sleep, TicketingError, type Result } from './results.js';

export * from './generated/graphql.js';
export { NoResponse, TicketingError, UserErrors, type UserError } from './results.js';

export interface Options {
  /** The API's address, with its path. */
  url: string;
  /** The session's token. Without one, a browser sends its cookie. */
  token?: string;
  /** What the server counts the client as. Default: ticketing-typescript. */
  name?: string;
  /** For how many milliseconds an operation is tried again; 0: not at all. Default: 30,000. */
  patience?: number;
  /** Default: the global ones. Node.js 20 has no WebSocket. */
  fetch?: typeof fetch;
  webSocket?: unknown;
}

type Variables<V> = V extends Record<string, never> ? [] : Record<string, never> extends V ? [variables?: V] : [variables: V];

const requestTimeout = 40_000; // more than the server takes for an operation

/**
 * Acts as one user. It gives each mutation an idempotency key, and sends what fails for a passing reason again, so that the server acts once. It
 * sends the newest consistency token, so that it reads what it has changed.
 */
export class TicketingClient {
  readonly #options: Options;
  #consistencyToken: string | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Returns a client of a session, which sees what this one has changed so far. */
  withToken(token: string): TicketingClient {
    const client = new TicketingClient({ ...this.#options, token });
    client.#consistencyToken = this.#consistencyToken;
    return client;
  }

  /** Executes a query or a mutation. Refusals are thrown: TicketingError, UserErrors, or NoResponse when the outcome is unknown. */
  async execute<R, V>(document: TypedDocumentString<R, V>, ...[variables]: Variables<V>): Promise<R> {
    const query = document.toString();
    const body = JSON.stringify({ query, variables });
    const hasKey = query.includes('idempotencyKey') || body.includes('"idempotencyKey":"');
    const key = !hasKey && isMutation(query) ? crypto.randomUUID() : undefined;
    const until = Date.now() + (this.#options.patience ?? 30_000);
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#send<R>(body, key);
      } catch (err) {
        const pause = pauseAfter(err, attempt);
        if (pause === undefined || Date.now() + pause > until) throw err;
        await sleep(pause);
      }
    }
  }

  /**
   * Yields the states of a subscription until the loop is left. Over a WebSocket the subscription outlasts the processes of the server; over server-sent
   * events it ends with the process that sends them.
   */
  async *subscribe<R, V>(document: TypedDocumentString<R, V>, variables: V, over: 'sse' | 'ws' = 'sse'): AsyncGenerator<R, void> {
    const payload = {
      query: document.toString(),
      variables: variables as Record<string, unknown>,
      ...(this.#consistencyToken && { extensions: { consistencyToken: this.#consistencyToken } }),
    };
    const transport = over === 'ws' ? this.#socket() : this.#events();
    try {
      for await (const result of transport.iterate<R>(payload)) yield read(result as Result<R>);
    } catch (err) {
      throw Array.isArray(err) ? TicketingError.of(err[0]) : err; // how graphql-ws refuses an operation
    } finally {
      void transport.dispose();
    }
  }

  #socket() {
    const { url, token, webSocket } = this.#options;
    return createSocket({
      url: url.replace(/^http/, 'ws'),
      connectionParams: token === undefined ? {} : { authorization: `Bearer ${token}` },
      webSocketImpl: webSocket,
    });
  }

  #events() {
    const fetchFn = this.#options.fetch;
    return createEvents({ url: this.#options.url, headers: this.#headers(), ...(fetchFn && { fetchFn }) });
  }

  #headers(): Record<string, string> {
    const { name, token } = this.#options;
    return {
      'apollographql-client-name': name ?? 'ticketing-typescript',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(this.#consistencyToken && { 'consistency-token': this.#consistencyToken }),
    };
  }

  async #send<R>(body: string, key: string | undefined): Promise<R> {
    const headers = { ...this.#headers(), 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) };
    const signal = AbortSignal.timeout(requestTimeout);
    let result: Result<R>;
    try {
      const response = await (this.#options.fetch ?? fetch)(this.#options.url, { method: 'POST', headers, body, signal });
      result = (await response.json()) as Result<R>;
      this.#keepToken(response.headers.get('consistency-token'));
    } catch (cause) {
      throw new NoResponse('no response', { cause });
    }
    return read(result);
  }

  /** Keeps a token unless it is older: responses of mutations that ran at the same time arrive in any order. */
  #keepToken(token: string | null) {
    const [life, position] = (token ?? '').split('.');
    const [knownLife, known] = (this.#consistencyToken ?? '').split('.');
    if (token && !(life === knownLife && Number(position) < Number(known))) this.#consistencyToken = token;
  }
}

const isMutation = (query: string) => /^\s*mutation\b/m.test(query);
