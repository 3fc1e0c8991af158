/** @file Readings that are asked for: now and again, and the past as far as it is wanted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { playedTab } from "./played_tab.js";
import { ReadingsFeed } from "../../src/headwater/dashboard/readings_feed.js";

const at = (time, value = time) => ({ time, values: [value] });

/** A feed whose answers and time the test gives. */
function feed() {
  const world = { ms: 0, tab: playedTab() };
  const timers = [];
  const [now, past] = [[], []];
  const later = (work, ms) => {
    const timer = { work, ms, isOver: false };
    timers.push(timer);
    return () => {
      timer.isOver = true;
    };
  };
  const question = (list) => (before) =>
    new Promise((resolve, reject) => list.push({ before, resolve, reject }));
  const made = new ReadingsFeed(
    { now: question(now), past: question(past) },
    { nowMs: () => world.ms, random: () => 0, later, whenSeen: world.tab.whenSeen },
    () => {},
  );
  made.start();
  return { made, world, timers, now, past };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const times = (made) => made.readings.map((one) => one.time);

test("the newest reading joins the past, and is asked for again", async () => {
  const { made, world, timers, now, past } = feed();
  world.ms = 5;
  now[0].resolve(at(100));
  past[0].resolve([at(80), at(90)]);
  await turn();
  assert.deepEqual(times(made), [80, 90, 100]);
  assert.deepEqual([made.heardMs(), made.state.value.phase], [5, "ready"]);
  assert.equal(timers[0].ms, 10_000);
  timers[0].work();
  now[1].resolve(at(110));
  await turn();
  assert.deepEqual(times(made), [80, 90, 100, 110]);
});

test("in a tab that nobody sees nothing is asked", async () => {
  const { world, timers, now } = feed();
  now[0].resolve(at(100));
  await turn();
  world.tab.hide();
  timers[0].work();
  await turn();
  assert.equal(now.length, 1);
  world.tab.show();
  assert.equal(now.length, 2, "the moment it is seen");
});

test("the past is paged until the span that is seen is there, or nothing older is", async () => {
  const { made, past } = feed();
  past[0].resolve([at(80), at(90)]);
  await turn();
  made.cover({ from: 50, to: 100 });
  made.cover({ from: 50, to: 100 });
  assert.equal(past.length, 2);
  assert.equal(past[1].before, 80);
  past[1].resolve([at(60), at(70)]);
  await turn();
  assert.equal(past[2].before, 60);
  past[2].resolve([]);
  await turn();
  made.cover({ from: 10, to: 100 });
  assert.equal(past.length, 3);
  assert.deepEqual(times(made), [60, 70, 80, 90]);
});

test("a failure is told, with the age of what is known, and tried again", async () => {
  const { made, timers, now, past } = feed();
  now[0].resolve(at(100));
  past[0].reject(new Error("no answer in time"));
  await turn();
  assert.match(made.state.value.text, /^the past: no answer in time/);
  assert.equal(made.state.value.phase, "ready");
  timers.find((one) => one.ms === 10_000).work();
  now[1].reject(new Error("the platform does not answer"));
  await turn();
  assert.equal(made.state.value.phase, "failed");
  assert.match(made.state.value.text, /^the platform does not answer · tried again/);
  assert.deepEqual(times(made), [100]);
});

test("nothing happens after the end", async () => {
  const { made, timers, now, past } = feed();
  made.stop();
  now[0].resolve(at(100));
  past[0].resolve([at(90)]);
  await turn();
  assert.deepEqual([made.readings.length, timers.length], [0, 0]);
});
