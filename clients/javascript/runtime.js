// What the generated client stands on: questions over HTTP, and sockets that come back.
//
// Works in browsers and in Node (from 22; in 20 give a WebSocket class as `options.WebSocket`).
// A socket that breaks is opened again after RETRY_DELAYS_MS; the platform then begins anew with
// whole lists, so whoever shows what comes is right again by itself.

/** Waiting before each attempt to reconnect; the last one for every further attempt. */
export const RETRY_DELAYS_MS = [1000, 2000, 5000, 10000, 30000];

/** Longest wait for an answer over HTTP. */
export const TIMEOUT_MS = 30000;

/** Messages that wait for a slow reader of one socket; beyond it the oldest go, see `missed`. */
export const WAITING_MAX = 1000;

/** Silence after which a socket is asked for a `pong`; after twice as much it is replaced. */
export const SILENCE_MS = 30000;

// Close codes of addresses that are wrong, where the error message before does not say otherwise.
const REFUSED_CODES = [1008, 4000];

// Errors after which trying again makes sense, whatever the close code.
const PASSING_ERRORS = ["VENUE_ERROR", "TOO_MANY_STREAMS", "INTERNAL_ERROR"];

/** Anything that goes wrong with the platform. */
export class HeadwaterError extends Error {}

/** A question was answered with an error; `problem` says what is wrong and what is allowed. */
export class ProblemError extends HeadwaterError {
  constructor(problem) {
    super(`${problem.status} ${problem.code ?? ""}: ${problem.detail ?? ""}`);
    this.problem = problem;
  }
}

/** Nobody answers there. */
export class Unreachable extends HeadwaterError {}

/** A socket was refused: its address asks for something that does not exist. */
export class Refused extends HeadwaterError {
  constructor(closeCode, reason) {
    super(`${closeCode}: ${reason}`);
    this.closeCode = closeCode;
  }
}

function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/** Asks one platform. */
export class Api {
  constructor(baseUrl, options = {}) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.retryDelaysMs = options.retryDelaysMs ?? RETRY_DELAYS_MS;
    this.silenceMs = options.silenceMs ?? SILENCE_MS;
  }

  async ask(method, path, query) {
    let reply;
    try {
      reply = await fetch(this.baseUrl + withQuery(path, query), {
        method,
        headers: { accept: "application/json" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new Unreachable(`${this.baseUrl}: ${error.message}`, { cause: error });
    }
    const text = await reply.text();
    if (reply.ok) return JSON.parse(text);
    let problem;
    try {
      problem = JSON.parse(text);
    } catch {
      problem = { status: reply.status, detail: text.slice(0, 200) };
    }
    throw new ProblemError(problem);
  }
}

/** One socket of the terminal: `for await (const message of stream)`, until `close`. */
export class TerminalStream {
  #api;
  #remembered;
  #isText;
  #said = new Map();
  #socket = null;
  #timer = null;
  #watch = null;
  #wasAsked = false;
  #failures = 0;
  #closed = false;
  #refused = null;
  #error = null;
  #waiting = [];
  #wake = null;

  constructor(api, path, query, remembered, isText) {
    if (!api.WebSocket) {
      throw new HeadwaterError("no WebSocket here: give a class as options.WebSocket");
    }
    this.#api = api;
    this.#remembered = new Set(remembered);
    this.#isText = isText;
    this.url = api.baseUrl.replace(/^http/, "ws") + withQuery(path, query);
    this.missed = 0;
    this.connections = 0;
    this.#open();
  }

  /** Whether something can be said now. */
  get isOpen() {
    return this.#socket !== null && this.#socket.readyState === 1;
  }

  /** Sends text as it is; false when the socket is not open at the moment. */
  say(text) {
    if (!this.isOpen) return false;
    this.#socket.send(text);
    return true;
  }

  /** Sends a request; one that changes what is sent is said again after a reconnect. */
  request(message) {
    const text = JSON.stringify(message);
    const isRemembered = this.#remembered.has(message.type);
    if (isRemembered) this.#said.set(message.type, text);
    if (!this.say(text) && !isRemembered) throw new HeadwaterError(`${this.url} is not open`);
  }

  /** Ends it; harmless when repeated. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#socket?.close();
    this.#rouse();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#waiting.length > 0) yield this.#waiting.shift();
      if (this.#refused) throw this.#refused;
      if (this.#closed) return;
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #open() {
    const socket = new this.#api.WebSocket(this.url);
    this.#socket = socket;
    this.#heard();
    socket.onopen = () => {
      this.connections += 1;
      for (const text of this.#said.values()) socket.send(text);
    };
    socket.onmessage = (event) => this.#take(String(event.data));
    socket.onerror = () => {}; // a close follows and says the same
    socket.onclose = (event) => this.#lost(event);
  }

  // A page cannot see the pings of the protocol: a line that died in silence is found by asking.
  #heard() {
    this.#wasAsked = false;
    this.#watchOn();
  }

  #watchOn() {
    clearTimeout(this.#watch);
    if (this.#isText) return;
    this.#watch = setTimeout(() => {
      if (this.#wasAsked || !this.say('{"type":"ping"}')) {
        this.#drop();
      } else {
        this.#wasAsked = true;
        this.#watchOn();
      }
    }, this.#api.silenceMs);
  }

  #drop() {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#lost({ code: 1006, reason: "silent" });
  }

  #take(text) {
    this.#heard();
    const message = this.#isText ? text : JSON.parse(text);
    if (message.type === "error") {
      this.#error = message.code;
    } else {
      this.#error = null;
      this.#failures = 0;
    }
    this.#waiting.push(message);
    if (this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift();
      this.missed += 1;
    }
    this.#rouse();
  }

  #lost(event) {
    this.#socket = null;
    clearTimeout(this.#watch);
    const isPassing = PASSING_ERRORS.includes(this.#error);
    this.#error = null;
    if (this.#closed) return;
    if (REFUSED_CODES.includes(event.code) && !isPassing) {
      this.#closed = true;
      this.#refused = new Refused(event.code, event.reason);
      this.#rouse();
      return;
    }
    const delays = this.#api.retryDelaysMs;
    const delay = delays[Math.min(this.#failures, delays.length - 1)];
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#open(), delay);
  }

  #rouse() {
    this.#wake?.();
    this.#wake = null;
  }
}
