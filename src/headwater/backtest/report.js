/**
 * @file Charts and the paged table of trades of a report. Whatever the page lacks is left out: a
 * report without the chart library keeps its plain drawings, a comparison has no trades.
 */

const PAGE_ROWS = 100;
/** Marks in view beyond which a chart shows none: they would hide the price. */
const MARKS_MAX = 400;
/** Room that each mark with a word needs along the time, px; with less none has one. */
const WORD_PX = 24;
/** Price charts that are drawn before anybody looks at them. */
const CHARTS_AT_ONCE = 4;
const STEP_BARS = 5;
const ZOOM = 1.25;
const REASONS = { stop_loss: "stop", take_profit: "target", liquidation: "LIQUIDATED" };
const NO_TRADES = { side: [], entry_s: [], exit_s: [] };
const LINE_COLOURS = ["accent", "down", "warn", "up"];

const data = JSON.parse(document.getElementById("data").textContent);
const library = globalThis.charts;

/** A colour of the page. */
const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const fixed = (value, places) =>
  value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
const percent = (value) => `${fixed(value * 100, 2)} %`;
const moment = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

/** Places of the charts that are drawn, to be painted again when the system's theme changes. */
const painted = [];

/** A chart of the library in the place of a plain drawing; undefined where there is none. */
function chartIn(name, height) {
  const host = document.querySelector(`[data-chart="${name}"]`);
  if (!library || !host) return undefined;
  host.replaceChildren();
  const chart = library.createChart(host, {
    autoSize: true,
    layout: { attributionLogo: true, fontSize: 11, panes: { enableResize: true } },
    crosshair: { mode: library.CrosshairMode.Normal },
    timeScale: { timeVisible: true, secondsVisible: false, minBarSpacing: 0.01 },
    localization: { timeFormatter: (time) => `${moment(time)} UTC` },
    height,
  });
  const paint = () => {
    const line = colour("line");
    const grid = { color: colour("grid") };
    chart.applyOptions({
      layout: {
        background: { type: library.ColorType.Solid, color: colour("panel") },
        textColor: colour("dim"),
        fontFamily: getComputedStyle(document.body).fontFamily,
        panes: { separatorColor: line, separatorHoverColor: line },
      },
      grid: { vertLines: grid, horzLines: grid },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
    });
  };
  painted.push(paint);
  paint();
  host.addEventListener("keydown", (event) => moved(chart, event));
  return chart;
}

/** Arrows walk along the time, plus and minus zoom, Home shows all. */
function moved(chart, event) {
  const scale = chart.timeScale();
  const range = scale.getVisibleLogicalRange();
  if (range === null) return;
  const middle = (range.from + range.to) / 2;
  const half = (range.to - range.from) / 2;
  const step = Math.max(STEP_BARS, half / 5);
  const shown = {
    ArrowLeft: [middle - step, half],
    ArrowRight: [middle + step, half],
    "+": [middle, half / ZOOM],
    "-": [middle, half * ZOOM],
  }[event.key];
  if (shown) scale.setVisibleLogicalRange({ from: shown[0] - shown[1], to: shown[0] + shown[1] });
  else if (event.key === "Home") scale.fitContent();
  else return;
  event.preventDefault();
}

/** A line, area or histogram whose colours follow the theme. */
function addLine(chart, kind, pane, colours, options, points) {
  const series = chart.addSeries(
    kind,
    { priceLineVisible: false, lastValueVisible: false, ...options },
    pane,
  );
  const paint = () =>
    series.applyOptions(
      Object.fromEntries(Object.entries(colours).map(([key, name]) => [key, colour(name)])),
    );
  painted.push(paint);
  paint();
  series.setData(points);
  return series;
}

const pointsOf = (times, values) => times.map((time, at) => ({ time, value: values[at] }));
const PERCENT = { type: "custom", minMove: 0.0001, formatter: percent };

function drawEquity({ time_s: times, equity, drawdown, exposure }) {
  const chart = chartIn("equity");
  if (!chart) return;
  const line = { lineWidth: 1 };
  addLine(chart, library.LineSeries, 0, { color: "accent" }, line, pointsOf(times, equity));
  addLine(
    chart,
    library.AreaSeries,
    1,
    { lineColor: "down", topColor: "panel", bottomColor: "down" },
    { ...line, invertFilledArea: true, priceFormat: PERCENT },
    pointsOf(times, drawdown),
  );
  addLine(
    chart,
    library.LineSeries,
    2,
    { color: "warn" },
    { ...line, lineType: library.LineType.WithSteps },
    pointsOf(times, exposure),
  );
  const stretches = [3, 1.4, 0.8];
  chart.panes().forEach((pane, at) => pane.setStretchFactor(stretches[at]));
  chart.timeScale().fitContent();
}

function drawLines(lines, place, format) {
  const chart = chartIn(place);
  if (!chart) return;
  lines.forEach(({ name, time_s: times, equity, exposure }, at) => {
    const colours = { color: LINE_COLOURS[at % LINE_COLOURS.length] };
    const style = Math.floor(at / LINE_COLOURS.length) % 5;
    const options = { lineWidth: 1, lineStyle: style, title: name, ...format };
    addLine(chart, library.LineSeries, 0, colours, options, pointsOf(times, equity ?? exposure));
  });
  chart.timeScale().fitContent();
}

/** The last candle that begins at or before a time. */
function candleAt(times, time) {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The contract of a trade; empty in a run over one. */
const contractOf = (trades, at) => (trades.contract ? trades.contract[at] : "");

/** Which trades a price chart has, and the candles in which they were entered and left. */
function tradesOf(price, trades) {
  const times = price.candles.time_s;
  return {
    numbers: trades.side
      .map((_, at) => at)
      .filter((at) => contractOf(trades, at) === price.contract),
    entries: trades.entry_s.map((time) => candleAt(times, time)),
    exits: trades.exit_s.map((time) => (time === null ? null : candleAt(times, time))),
  };
}

/** The marks of some trades, in the order of their times, on a chart of a width in px. */
function marksOf(seen, times, trades, { entries, exits }, width) {
  const worded = seen.filter((at) => exits[at] !== null && REASONS[trades.reason[at]]);
  const hasWords = worded.length * WORD_PX <= width;
  return seen
    .flatMap((at) => {
      const isLong = trades.side[at] === "long";
      const found = [
        {
          time: times[entries[at]],
          position: isLong ? "belowBar" : "aboveBar",
          shape: isLong ? "arrowUp" : "arrowDown",
          color: colour("accent"),
        },
      ];
      if (exits[at] !== null) {
        const reason = trades.reason[at];
        found.push({
          time: times[exits[at]],
          position: isLong ? "aboveBar" : "belowBar",
          shape: reason === "signal" || reason === "reversal" ? "circle" : "square",
          color: colour(trades.pnl[at] >= 0 ? "up" : "down"),
          text: hasWords ? REASONS[reason] : undefined,
        });
      }
      return found;
    })
    .sort((one, other) => one.time - other.time);
}

/** Marks the trades in view, now and whenever the view moves, and says how many there are. */
function markTrades(chart, series, price, trades, own) {
  const marks = library.createSeriesMarkers(series, []);
  const note = document.getElementById(`${price.place}-note`);
  const { numbers, entries, exits } = own;
  const mark = () => {
    const range = chart.timeScale().getVisibleLogicalRange();
    if (range === null) return;
    const isSeen = (bar) => bar !== null && bar >= range.from && bar <= range.to;
    const seen = numbers.filter((at) => isSeen(entries[at]) || isSeen(exits[at]));
    const isTooMany = seen.length > MARKS_MAX;
    const count = `${seen.length.toLocaleString("en-US")} trade${seen.length === 1 ? "" : "s"}`;
    note.textContent = isTooMany
      ? `${count} in view: zoom in to see their marks.`
      : `${count} in view ${seen.length === 1 ? "is" : "are"} marked.`;
    const width = chart.timeScale().width();
    marks.setMarkers(isTooMany ? [] : marksOf(seen, price.candles.time_s, trades, own, width));
  };
  let isDue = false;
  chart.timeScale().subscribeVisibleLogicalRangeChange(() => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      mark();
    });
  });
  painted.push(mark);
  chart.timeScale().fitContent();
  mark();
}

/** The price of a contract with its trades; gives back what shows one trade. */
function drawPrice(price, trades) {
  const { candles, place, places } = price;
  const chart = chartIn(place);
  if (!chart) return undefined;
  const times = candles.time_s;
  const series = addLine(
    chart,
    library.CandlestickSeries,
    0,
    { upColor: "up", downColor: "down", wickUpColor: "up", wickDownColor: "down" },
    {
      borderVisible: false,
      priceFormat: { type: "price", precision: places, minMove: 10 ** -places },
    },
    times.map((time, at) => ({
      time,
      open: candles.open[at],
      high: candles.high[at],
      low: candles.low[at],
      close: candles.close[at],
    })),
  );
  const own = tradesOf(price, trades);
  markTrades(chart, series, price, trades, own);
  const dashed = { lineWidth: 2, lineStyle: library.LineStyle.Dashed };
  const level = (name, options) =>
    addLine(chart, library.LineSeries, 0, { color: name }, { ...options, title: "" }, []);
  const [path, stop, target] = [
    level("accent", { lineWidth: 2 }),
    level("down", dashed),
    level("up", dashed),
  ];
  return (at) => {
    const from = own.entries[at];
    const to = Math.max(own.exits[at] ?? times.length - 1, Math.min(from + 1, times.length - 1));
    const span = to - from;
    const side = trades.side[at] === "long" ? 1 : -1;
    const entry = trades.entry_price[at];
    const across = (first, last) =>
      span ? pointsOf([times[from], times[to]], [first, last]) : pointsOf([times[from]], [first]);
    path.setData(across(entry, trades.exit_price[at] ?? candles.close.at(-1)));
    const { stop_loss: loss, take_profit: profit } = data.bracket;
    const levelOf = (distance) => entry * (1 + side * distance);
    stop.setData(loss === null ? [] : across(levelOf(-loss), levelOf(-loss)));
    target.setData(profit === null ? [] : across(levelOf(profit), levelOf(profit)));
    const around = Math.max(20, span);
    chart.timeScale().setVisibleLogicalRange({ from: from - around, to: to + around });
    document
      .querySelector(`[data-chart="${place}"]`)
      .scrollIntoView({ block: "center", behavior: "auto" });
  };
}

/**
 * The prices of all contracts, the first few at once and the others when they come into view: many
 * charts take much memory. Gives back what shows a trade in the chart of its contract.
 */
function drawPrices(prices, trades) {
  if (!library || !prices.length) return undefined;
  const drawn = new Map();
  const shower = (price) => {
    if (!drawn.has(price.contract)) drawn.set(price.contract, drawPrice(price, trades));
    return drawn.get(price.contract);
  };
  const waiting = new Map();
  const watch = new IntersectionObserver(
    (changes) => {
      for (const { target } of changes.filter((one) => one.isIntersecting)) {
        watch.unobserve(target);
        shower(waiting.get(target));
      }
    },
    { rootMargin: "300px" },
  );
  prices.forEach((price, at) => {
    if (at < CHARTS_AT_ONCE) shower(price);
    else {
      const host = document.querySelector(`[data-chart="${price.place}"]`);
      waiting.set(host, price);
      watch.observe(host);
    }
  });
  return (at) => {
    const price = prices.find((one) => one.contract === contractOf(trades, at));
    if (price) shower(price)(at);
  };
}

/** The cells of a trade, as the table has them. */
function cellsOf(trades, at) {
  const pnl = trades.pnl[at];
  const value = trades.entry_price[at] * trades.quantity[at];
  const exit = trades.exit_s[at];
  const places = data.places[contractOf(trades, at)] ?? 2;
  return [
    ...(trades.contract ? [trades.contract[at]] : []),
    trades.side[at],
    moment(trades.entry_s[at]),
    exit === null ? "open" : moment(exit),
    fixed(trades.entry_price[at], places),
    exit === null ? "–" : fixed(trades.exit_price[at], places),
    fixed(trades.quantity[at], 6),
    pnl === null ? "–" : fixed(pnl, 2),
    pnl === null ? "–" : percent(pnl / value),
    fixed(trades.fees[at], 2),
    fixed(trades.funding[at], 2),
    trades.reason[at] ?? "–",
  ];
}

function pageTrades(trades, show) {
  const body = document.querySelector("#trades tbody");
  const bar = document.getElementById("pager");
  if (!body || !bar) return;
  const pages = Math.max(1, Math.ceil(trades.side.length / PAGE_ROWS));
  let page = 0;
  const button = (text, action) => {
    const one = document.createElement("button");
    one.type = "button";
    one.textContent = text;
    one.addEventListener("click", action);
    return one;
  };
  const turned = (to) => () => {
    page = Math.min(pages - 1, Math.max(0, to()));
    draw();
  };
  const first = button(
    "first",
    turned(() => 0),
  );
  const before = button(
    "previous",
    turned(() => page - 1),
  );
  const after = button(
    "next",
    turned(() => page + 1),
  );
  const last = button(
    "last",
    turned(() => pages - 1),
  );
  const where = document.createElement("span");
  where.setAttribute("aria-live", "polite");
  const draw = () => {
    const from = page * PAGE_ROWS;
    const to = Math.min(from + PAGE_ROWS, trades.side.length);
    const rows = [];
    for (let at = from; at < to; at += 1) {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      if (show) {
        const one = button(String(at + 1), () => show(at));
        one.setAttribute("aria-label", `show trade ${at + 1} in the chart`);
        head.append(one);
      } else head.textContent = String(at + 1);
      row.append(head);
      for (const text of cellsOf(trades, at)) {
        const cell = document.createElement("td");
        cell.textContent = text;
        row.append(cell);
      }
      const pnl = trades.pnl[at];
      if (pnl !== null)
        row.children[trades.contract ? 8 : 7].className = pnl >= 0 ? "gain" : "loss";
      rows.push(row);
    }
    body.replaceChildren(...rows);
    where.textContent = `page ${page + 1} of ${pages}`;
    first.disabled = before.disabled = page === 0;
    last.disabled = after.disabled = page === pages - 1;
  };
  const save = button("download as CSV", () => saveCsv(trades));
  bar.replaceChildren(first, before, where, after, last, save);
  draw();
}

/** Saves the trades of this page as a file that is made here. */
function saveCsv(trades) {
  const names = Object.keys(trades);
  const iso = (seconds) => (seconds === null ? "" : new Date(seconds * 1000).toISOString());
  const lines = trades.side.map((_, at) =>
    names
      .map((name) => (name.endsWith("_s") ? iso(trades[name][at]) : (trades[name][at] ?? "")))
      .join(","),
  );
  const heads = names.map((name) => (name.endsWith("_s") ? `${name.slice(0, -2)}_time` : name));
  const text = `${[heads.join(","), ...lines].join("\r\n")}\r\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = "trades.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  painted.forEach((paint) => paint()),
);
if (data.equity) drawEquity(data.equity);
if (data.lines) drawLines(data.lines, "compare");
if (data.exposures && library) {
  const steps = { priceFormat: PERCENT, lineType: library.LineType.WithSteps };
  drawLines(data.exposures, "exposures", steps);
}
const shown = drawPrices(data.prices ?? [], data.trades ?? NO_TRADES);
if (data.trades) pageTrades(data.trades, shown);
document.documentElement.dataset.ready = "yes";
