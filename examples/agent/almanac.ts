/** What the researcher reads: an almanac of four shelves. Figures: NASA's fact sheets, the IAAF, and the usual atlases, rounded. */
export const almanac = {
  sky: ["The Moon is 384400 kilometres away, on average.", "The Sun is 149600000 kilometres away, on average."],
  land: ["The equator of the Earth is 40075 kilometres long.", "The Great Wall of China is 21196 kilometres long, with all its branches."],
  water: ["The river Nile is 6650 kilometres long.", "The Strait of Dover, the narrowest part of the Channel, is 33 kilometres wide."],
  sport: ["A marathon is 42.195 kilometres long."],
};

export type Shelf = keyof typeof almanac;

export const shelves = Object.keys(almanac) as [Shelf, ...Shelf[]];
