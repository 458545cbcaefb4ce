export const openingCalls = [];
