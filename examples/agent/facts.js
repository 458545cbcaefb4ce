/** What the search tool knows: an almanac of four shelves. Figures: NASA's fact sheets, the IAAF, and the usual atlases, rounded. */
export const facts = {
  sky: [
    { title: "Distance to the Moon", text: "The Moon is 384400 kilometres away, on average.", number: 384400, unit: "km" },
    { title: "Distance to the Sun", text: "The Sun is 149600000 kilometres away, on average.", number: 149600000, unit: "km" },
  ],
  land: [
    { title: "Around the Earth", text: "The equator of the Earth is 40075 kilometres long.", number: 40075, unit: "km" },
    {
      title: "Length of the Great Wall",
      text: "The Great Wall of China is 21196 kilometres long, with all its branches.",
      number: 21196,
      unit: "km",
    },
  ],
  water: [
    { title: "Length of the Nile", text: "The river Nile is 6650 kilometres long.", number: 6650, unit: "km" },
    {
      title: "Width of the Channel",
      text: "The Strait of Dover, the narrowest part of the Channel, is 33 kilometres wide.",
      number: 33,
      unit: "km",
    },
  ],
  sport: [{ title: "Length of a marathon", text: "A marathon is 42.195 kilometres long.", number: 42.195, unit: "km" }],
};
