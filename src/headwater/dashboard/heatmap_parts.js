/** @file What the heat map is made of, as one thing to load when it is wanted. */

export { showBar } from "./heatmap_bar.js";
export { cellTable, withLegend } from "./heatmap_export.js";
export { HeatmapLayers } from "./heatmap_layers.js";
export { ModelCard } from "./model_card.js";
