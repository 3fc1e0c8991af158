/**
 * @file The page's one socket: any number of topics, each resumed from its last number.
 *
 * See docs/guides/one-socket-many-topics.md for what is said on it. Nothing here touches the page:
 * sockets, time and chance are passed in, so that tests can play the other side.
 */

import { signal } from "@preact/signals-core";

/** Waits between attempts grow from here, doubled each time, with full jitter. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;
/** A connection that lasted this long was a good one: waits begin anew. */
const HEALTHY_AFTER_MS = 10_000;
const PING_EVERY_MS = 10_000;
/** Nothing heard for so long, in spite of pings: the connection is taken for dead. */
const SILENCE_MAX_MS = 25_000;
/** The server's own bound of topics for one client. */
export const TOPICS_MAX = 200;

/**
 * @typedef {object} TopicEvent what a follower of a topic hears
 * @property {"snapshot" | "update" | "dropped" | "resumed" | "problem"} kind
 *   snapshot: everything anew; update: the next message; dropped: some messages are lost;
 *   resumed: after a break, and what was missed follows; problem: the topic brings nothing
 * @property {any} [data] of snapshots and updates
 * @property {string} [text] of problems, for people
 *
 * @typedef {object} Link how the connection is
 * @property {"connecting" | "open" | "waiting" | "paused"} phase
 * @property {number} sinceMs when that began, by `nowMs`
 *
 * @typedef {object} Socket the part of a WebSocket that is used
 * @property {(text: string) => void} send
 * @property {() => void} close
 * @property {number} [readyState] 0 while it connects, 1 open, then closing and closed
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onclose
 * @property {((event: any) => void) | null} onmessage
 *
 * @typedef {object} Surroundings what the stream needs of the world
 * @property {() => Socket} open begins a connection
 * @property {() => number} nowMs a clock that never goes back
 * @property {() => number} random from 0 to 1
 * @property {(work: () => void, ms: number) => () => void} later
 *   calls once; returns what prevents it
 *
 * @typedef {object} Topic
 * @property {string} asked
 * @property {string} name as the server calls it
 * @property {number | undefined} seq number of the newest message
 * @property {number | undefined} heardMs when it came
 * @property {Set<(event: TopicEvent) => void>} followers
 */

/** How long to wait before the given attempt: full jitter below a doubled ceiling.
 * @param {number} attempt 0 for the first
 * @param {number} chance from 0 to 1
 */
export function waitBefore(attempt, chance) {
  return chance * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 16));
}

/**
 * Ends a socket that nobody hears any more. One that still connects is ended when it is open:
 * before, the browser writes a warning for it into its console.
 * @param {Socket} socket
 */
export function endSocket(socket) {
  socket.onmessage = socket.onclose = null;
  if (socket.readyState === 0) {
    socket.onopen = () => socket.close();
    return;
  }
  socket.onopen = null;
  socket.close();
}

/**
 * Whether a socket takes nothing any more, though it has not said so yet: sending then makes the
 * browser write a warning into its console.
 * @param {Socket} socket
 */
export const isClosing = (socket) => (socket.readyState ?? 1) > 1;

/** One socket with many topics, which reconnects by itself. */
export class Stream {
  /** @type {Map<string, Topic>} by the name that was asked for */
  #topics = new Map();
  /** @type {Socket | null} */
  #socket = null;
  #isOpen = false;
  #attempt = 0;
  #openedMs = 0;
  #heardMs = 0;
  #nextId = 1;
  #cancelTimer = () => {};
  /** @type {Set<string>} names to be asked for in one message */
  #wanted = new Set();
  /** @type {Set<string>} names to be left in one message: a server bounds messages a second */
  #unwanted = new Set();

  /** @param {Surroundings} world */
  constructor(world) {
    this.world = world;
    /** How the connection is. */
    this.link = signal(/** @type {Link} */ ({ phase: "paused", sinceMs: world.nowMs() }));
  }

  /** Connects, and stays connected until `pause`. */
  start() {
    if (this.link.peek().phase === "paused") this.#connect();
  }

  /** Ends the connection until `start`; topics keep their place. */
  pause() {
    this.#cancelTimer();
    this.#drop();
    this.#attempt = 0;
    this.#say("paused");
  }

  /**
   * Hears a topic until the returned function is called.
   * @param {string} asked the topic
   * @param {(event: TopicEvent) => void} follower
   * @returns {() => void}
   */
  follow(asked, follower) {
    let topic = this.#topics.get(asked);
    if (topic === undefined) {
      if (this.#topics.size >= TOPICS_MAX) {
        follower({ kind: "problem", text: `more than ${TOPICS_MAX} topics` });
        return () => {};
      }
      topic = { asked, name: asked, seq: undefined, heardMs: undefined, followers: new Set() };
      this.#topics.set(asked, topic);
    } else {
      // What came before is not kept here: the newcomer's snapshot is asked for again.
      if (!this.#wanted.has(asked)) this.#unwanted.add(topic.name);
      topic.seq = undefined;
    }
    topic.followers.add(follower);
    this.#want(asked);
    return () => this.#leave(asked, follower);
  }

  /** When the newest message of a topic came, by `nowMs`; undefined before the first.
   * @param {string} asked
   */
  heardMs(asked) {
    return this.#topics.get(asked)?.heardMs;
  }

  /** @param {string} asked @param {(event: TopicEvent) => void} follower */
  #leave(asked, follower) {
    const topic = this.#topics.get(asked);
    if (topic === undefined || !topic.followers.delete(follower)) return;
    if (topic.followers.size > 0) return;
    this.#topics.delete(asked);
    if (this.#wanted.delete(asked)) return;
    this.#unwanted.add(topic.name);
    queueMicrotask(() => this.#ask());
  }

  #connect() {
    this.#say("connecting");
    const socket = this.world.open();
    this.#socket = socket;
    socket.onopen = () => {
      this.#isOpen = true;
      this.#openedMs = this.#heardMs = this.world.nowMs();
      this.#say("open");
      this.#unwanted.clear();
      for (const asked of this.#topics.keys()) this.#wanted.add(asked);
      this.#ask();
      this.#watch();
    };
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = () => this.#lost(socket);
  }

  /**
   * Lets a moment pass, so that topics wanted together are asked for together.
   * @param {string} asked
   */
  #want(asked) {
    this.#wanted.add(asked);
    queueMicrotask(() => this.#ask());
  }

  #ask() {
    if (!this.#isOpen) return;
    if (this.#unwanted.size > 0) this.#tell({ op: "unsubscribe", topics: [...this.#unwanted] });
    this.#unwanted.clear();
    if (this.#wanted.size === 0) return;
    const topics = [...this.#wanted].map((asked) => {
      const seq = this.#topics.get(asked)?.seq;
      return seq === undefined ? asked : { topic: asked, after: seq };
    });
    this.#wanted.clear();
    this.#tell({ op: "subscribe", topics });
  }

  /** @param {object} message */
  #tell(message) {
    const socket = this.#socket;
    if (!this.#isOpen || socket === null || isClosing(socket)) return;
    socket.send(JSON.stringify({ ...message, id: this.#nextId++ }));
  }

  #watch() {
    this.#cancelTimer = this.world.later(() => {
      if (this.world.nowMs() - this.#heardMs >= SILENCE_MAX_MS) {
        const socket = this.#socket;
        if (socket !== null) this.#lost(socket);
        return;
      }
      this.#tell({ op: "ping" });
      this.#watch();
    }, PING_EVERY_MS);
  }

  /** @param {Socket} socket */
  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#cancelTimer();
    const wasHealthy = this.#isOpen && this.world.nowMs() - this.#openedMs >= HEALTHY_AFTER_MS;
    this.#drop();
    if (wasHealthy) this.#attempt = 0;
    const wait = waitBefore(this.#attempt++, this.world.random());
    this.#say("waiting");
    this.#cancelTimer = this.world.later(() => this.#connect(), wait);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isOpen = false;
    if (socket !== null) endSocket(socket);
  }

  /** @param {Link["phase"]} phase */
  #say(phase) {
    this.link.value = { phase, sinceMs: this.world.nowMs() };
  }

  /** @param {string} text one message of the server */
  #take(text) {
    this.#heardMs = this.world.nowMs();
    const message = JSON.parse(text);
    if (message.type === "subscribed") this.#confirm(message.topics);
    else if (message.type === "error") this.#refuse(message);
    else if (message.type === "dropped") this.#hand(message.topic, { kind: "dropped" });
    else if (message.type === "snapshot" || message.type === "update") {
      for (const topic of this.#named(message.topic)) {
        topic.seq = message.seq;
        topic.heardMs = this.#heardMs;
      }
      this.#hand(message.topic, { kind: message.type, data: message.data });
    }
  }

  /** @param {{topic: string, asked?: string, resumed: boolean}[]} answers */
  #confirm(answers) {
    for (const answer of answers) {
      const topic = this.#topics.get(answer.asked ?? answer.topic);
      if (topic === undefined) continue;
      topic.name = answer.topic;
      if (answer.resumed) this.#hand(topic.name, { kind: "resumed" });
      else topic.seq = undefined;
    }
  }

  /** @param {{topic?: string, problem?: {detail?: string}}} message */
  #refuse(message) {
    if (message.topic === undefined) return;
    const topic = this.#topics.get(message.topic) ?? this.#named(message.topic)[0];
    if (topic === undefined) return;
    if (topic.seq !== undefined) {
      // A number that the server does not know, after its clock went back: begin anew.
      topic.seq = undefined;
      this.#want(topic.asked);
      return;
    }
    this.#hand(topic.name, { kind: "problem", text: message.problem?.detail ?? "refused" });
  }

  /** @param {string} name @returns {Topic[]} */
  #named(name) {
    return [...this.#topics.values()].filter((topic) => topic.name === name);
  }

  /** @param {string} name @param {TopicEvent} event */
  #hand(name, event) {
    for (const topic of this.#named(name)) {
      for (const follower of [...topic.followers]) follower(event);
    }
  }
}
