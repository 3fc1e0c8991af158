// Run by test_javascript_runtime.py: does what its first argument says, prints one line of JSON.
import { Headwater, HeadwaterError, ProblemError, Refused, Unreachable } from "../../clients/javascript/headwater.js";
import { TerminalStream } from "../../clients/javascript/runtime.js";

const [, , what, address] = process.argv;
const api = new Headwater(address, { retryDelaysMs: [0] });

const deeds = {
  async echo() {
    const stream = api.watchTest();
    let opened = 0;
    const greeting = setInterval(() => stream.say("ä€𝄞") && clearInterval(greeting), 5);
    for await (const text of stream) {
      opened = stream.connections;
      stream.close();
      return { text, opened };
    }
  },
  async problem() {
    try {
      await api.ask("GET", "/binance/ohlc/BTCUSDT/7h", { limit: 3, absent: undefined });
    } catch (error) {
      return { isProblem: error instanceof ProblemError, problem: error.problem };
    }
  },
  async unreachable() {
    try {
      await api.ask("GET", "/health", {});
    } catch (error) {
      return { isUnreachable: error instanceof Unreachable && error instanceof HeadwaterError };
    }
  },
  async comeback() {
    const stream = new TerminalStream(api, "", {}, ["update_params"], false);
    stream.request({ type: "update_params", limit: 50 });
    const numbers = [];
    for await (const message of stream) {
      if (message.type === "news") numbers.push(message.number);
      if (message.number === 7) stream.close();
    }
    return { numbers, connections: stream.connections };
  },
  async given() {
    const made = [];
    const Given = class extends globalThis.WebSocket {
      constructor(url) {
        super(url);
        made.push(new URL(url).pathname);
      }
    };
    delete globalThis.WebSocket;
    const without = (() => {
      try {
        new Headwater(address).watchTest();
      } catch (error) {
        return error.message;
      }
    })();
    const stream = new Headwater(address, { WebSocket: Given }).watchTest();
    const greeting = setInterval(() => stream.say("hello") && clearInterval(greeting), 5);
    for await (const text of stream) {
      stream.close();
      return { made, text, without };
    }
  },
  async slow() {
    const stream = new TerminalStream(api, "", {}, [], false);
    while (stream.missed < 500) await new Promise((resolve) => setTimeout(resolve, 5));
    for await (const message of stream) {
      stream.close();
      return { first: message.number, missed: stream.missed };
    }
  },
  async silence() {
    const impatient = new Headwater(address, { retryDelaysMs: [0], silenceMs: 600 });
    const stream = new TerminalStream(impatient, "", {}, [], false);
    for await (const message of stream) {
      stream.close();
      return { number: message.number, connections: stream.connections };
    }
  },
  async refusal() {
    const stream = new TerminalStream(api, "", {}, [], false);
    const numbers = [];
    try {
      for await (const message of stream) if (message.type === "news") numbers.push(message.number);
    } catch (error) {
      return { numbers, isRefused: error instanceof Refused, closeCode: error.closeCode };
    }
  },
};

console.log(JSON.stringify(await deeds[what]()));
