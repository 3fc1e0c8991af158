/** @file The layers of the heat map: what each shows, what it assumes, what it lacks. */

/**
 * @typedef {object} LayerModel
 * @property {string} what it shows
 * @property {readonly string[]} assumes
 */

/** By the API's name. @type {Readonly<Record<string, LayerModel>>} */
export const MODELS = {
  estimated: {
    what: "Where positions would be liquidated, if the model is right. No venue publishes that.",
    assumes: [
      "A rise of open interest opens longs and shorts alike, where volume was traded.",
      "New positions have the leverages below; the shares are a convention without evidence.",
      "Every position has isolated margin, adds none, and is liquidated by its venue's tiers.",
      "Positions fade, are reached by the mark price, or close when open interest falls.",
      "Wrong when leverages are others, margin is added, or positions are cross or hedged.",
    ],
  },
  empirical: {
    what: "The estimated map with distances to liquidation learnt from past liquidations.",
    assumes: [
      "Distances are those of the liquidations of the 30 days before the map begins.",
      "Entries are inferred from earlier volume, which makes near ones too likely.",
      "Needs 100 liquidations of each side; everything else as the estimated map.",
    ],
  },
  observed: {
    what: "Positions that are known one by one, at the price that liquidates each.",
    assumes: [
      "Only wallets that this platform was told of: never the whole market (see coverage).",
      "Liquidation prices of cross positions are those of the moment.",
      "Only the newest column is known; the past of a wallet is not read.",
    ],
  },
  realised: {
    what: "What was liquidated, where and when, as the venues told it. No model.",
    assumes: [
      "Binance and OKX tell at most one liquidation a second: amounts are a lower bound.",
      "Bybit and OKX tell the bankruptcy price, not the price of the trade.",
      "What came after its column was frozen is in no column (see what is missing).",
    ],
  },
};

const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/**
 * What a block of a map does not have, in words.
 * @param {import("./heatmap_block.js").Block} block
 * @returns {string[]} empty when nothing is missing
 */
export function missingOf({ meta, incomplete, columns }) {
  const missing = [];
  if (incomplete) missing.push(incomplete);
  if (columns === 0) missing.push("nothing is stored of this time");
  for (const venue of meta.coverage ?? []) {
    if (venue.reason) missing.push(`${venue.exchange} adds nothing: ${venue.reason}`);
    else {
      const parts = [
        ["prices", venue.bars],
        ["mark prices", venue.marks],
        ["open interest", venue.open_interest],
      ].filter(([, share]) => Number(share) < 1);
      for (const [name, share] of parts) {
        missing.push(`${venue.exchange}: ${name} for ${percent(Number(share))} of the time`);
      }
      if (venue.leverages_left_out.length > 0) {
        missing.push(`${venue.exchange} has no leverage ${venue.leverages_left_out.join(", ")}`);
      }
    }
  }
  if (meta.is_floor) missing.push("part came by a throttled feed: amounts are a lower bound");
  if (meta.late_count > 0) {
    missing.push(`${meta.late_count} liquidations came too late for their columns`);
  }
  return missing;
}

/**
 * How much of the market the observed map knows: over all venues, the largest share told.
 * @param {any} meta @returns {string} empty when that is not told
 */
export function knownText(meta) {
  const shares = (meta.coverage ?? [])
    .map((/** @type {any} */ one) => one.known_positions)
    .filter((/** @type {unknown} */ one) => typeof one === "number");
  if (shares.length === 0) return "";
  return `${percent(Math.max(...shares))} of open interest known`;
}
