// Types of runtime.js.

export const RETRY_DELAYS_MS: readonly number[];
export const TIMEOUT_MS: number;
export const WAITING_MAX: number;
export const SILENCE_MS: number;

/** One thing that is wrong with a question. */
export interface ProblemField {
  readonly field: string;
  readonly message: string;
  readonly value?: string;
  readonly allowed?: readonly string[];
}

/** Problem details (RFC 9457) as the platform sends them. */
export interface Problem {
  readonly status: number;
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly instance?: string;
  readonly errors?: readonly ProblemField[];
  readonly retry_after?: number;
  readonly suggestions?: readonly string[];
}

export class HeadwaterError extends Error {}

export class ProblemError extends HeadwaterError {
  readonly problem: Problem;
  constructor(problem: Problem);
}

export class Unreachable extends HeadwaterError {}

export class Refused extends HeadwaterError {
  readonly closeCode: number;
  constructor(closeCode: number, reason: string);
}

export interface Options {
  /** For Node 20, which has none of its own. */
  readonly WebSocket?: new (url: string) => unknown;
  /** See RETRY_DELAYS_MS. */
  readonly retryDelaysMs?: readonly number[];
  /** See SILENCE_MS. */
  readonly silenceMs?: number;
}

export class Api {
  readonly baseUrl: string;
  constructor(baseUrl: string, options?: Options);
}

export class TerminalStream<Message> implements AsyncIterable<Message> {
  /** Where it connects. */
  readonly url: string;
  /** Messages that a slow reader did not get. */
  readonly missed: number;
  /** How often it was connected. */
  readonly connections: number;
  /** Whether something can be said now. */
  readonly isOpen: boolean;
  say(text: string): boolean;
  close(): void;
  [Symbol.asyncIterator](): AsyncIterator<Message>;
}
